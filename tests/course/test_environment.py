import subprocess
import sys
from importlib import metadata
from types import ModuleType, SimpleNamespace

import pytest
import torch

from srgan_lib import recipes
from srgan_lib.course import setup
from srgan_lib.errors import ConfigError
from srgan_lib.recipes import PROFILES


@pytest.fixture(autouse=True)
def clean_machine(monkeypatch, tmp_path):
    """No SRGAN_ variable of the developer, no Colab, and a folder of its own for checkpoints."""
    for name in ("SRGAN_PROFILE", "SRGAN_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SRGAN_WORK", str(tmp_path / "work"))
    monkeypatch.setattr(setup, "in_colab", lambda: False)


@pytest.fixture
def installed(monkeypatch):
    """Versions by package name, instead of what is really installed."""
    versions = setup.requirements()
    monkeypatch.setattr(setup, "_version", versions.get)
    return versions


@pytest.fixture
def colab(monkeypatch, tmp_path):
    """A stand-in for google.colab whose Drive is a folder; returns the drive module."""
    names = ("google", "google.colab", "google.colab.drive")
    google, package, drive = map(ModuleType, names)
    package.drive = drive
    drive.mount = lambda mountpoint: None
    for module in (google, package, drive):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(setup, "in_colab", lambda: True)
    monkeypatch.setattr(setup, "DRIVE", tmp_path / "drive")
    return drive


@pytest.fixture
def clone(monkeypatch, tmp_path):
    """A project's folder with nothing in it, and no SRGAN_WORK to lead elsewhere."""
    monkeypatch.delenv("SRGAN_WORK")
    monkeypatch.setattr(setup, "ROOT", tmp_path / "clone")
    return tmp_path / "clone"


def test_importing_it_does_not_import_torch():
    code = "import sys, srgan_lib.course.setup; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=setup.ROOT).returncode == 0


def test_setup_reports_what_it_chose(capsys, tmp_path):
    env = setup.setup()
    assert env.device.type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert env.profile == ("colab" if torch.cuda.is_available() else "cpu")
    assert env.work == tmp_path / "work" and env.work.is_dir()
    assert env.data == setup.ROOT / "data" / "downloads"
    printed = capsys.readouterr().out
    for words in (env.device.type, torch.__version__, PROFILES[env.profile].about, str(env.work)):
        assert words in printed
    assert "data/downloads/" in printed and str(setup.ROOT) not in printed


def test_a_kernel_that_runs_another_library_is_to_be_restarted(tmp_path):
    with pytest.raises(ConfigError, match=rf"the one in {tmp_path}, .*restart the kernel"):
        setup.setup(tmp_path)
    (tmp_path / "srgan_lib").symlink_to(setup.ROOT / "srgan_lib")  # as `make grade` lays it out
    setup.setup(tmp_path)


@pytest.mark.parametrize(
    ("origin", "commit", "said"),
    [
        ("https://a/b@main", "1234567890", "https://a/b@main, commit 1234567"),
        ("https://a/b", "1234567890-dirty", "https://a/b, commit 1234567, changed since"),
        (None, "1234567890", "a local folder, commit 1234567"),
        (None, None, "a local folder, no clone of git"),
    ],
)
def test_setup_says_which_library_runs(monkeypatch, capsys, origin, commit, said):
    monkeypatch.setattr(setup, "code_origin", lambda: origin)
    monkeypatch.setattr(setup, "code_commit", lambda: commit)
    setup.setup(setup.ROOT)
    assert capsys.readouterr().out.startswith(f"library       {said}\n")


def test_the_minutes_count_from_the_setup_cell(monkeypatch):
    env = setup.setup()
    monkeypatch.setattr(setup.time, "monotonic", lambda: env.started + 90)
    assert env.minutes == pytest.approx(1.5)


@pytest.mark.parametrize(("device", "profile"), [("cuda", "colab"), ("cpu", "cpu")])
def test_the_profile_follows_the_device_unless_it_is_named(device, profile, monkeypatch):
    assert recipes.choose_profile(device) == profile
    for name in PROFILES:
        monkeypatch.setenv("SRGAN_PROFILE", name)
        assert recipes.choose_profile(device) == name


def test_an_unknown_profile_is_refused_with_the_names_there_are(monkeypatch):
    monkeypatch.setenv("SRGAN_PROFILE", "laptop")
    with pytest.raises(ConfigError, match=r"'laptop'.*smoke, cpu, colab, gpu, paper"):
        setup.setup()


def test_every_requirement_has_a_lower_bound_and_no_other():
    text = (setup.ROOT / "requirements.txt").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found = [f"{name}>={bound}" for name, bound in setup.requirements().items()]
    assert sorted(lines) == sorted([*found, next(line for line in lines if "nbval" in line)])


def test_what_is_installed_here_is_enough():
    assert setup.check_requirements() == {}


def test_a_package_that_is_too_old_is_named_with_the_command(installed):
    installed["torchvision"] = "0.9.1+cu111"
    with pytest.raises(ConfigError, match=r"torchvision 0\.9\.1.*pip install 'torchvision>=0"):
        setup.check_requirements()


@pytest.mark.parametrize("version", ["2.10.0", "2.11.0+cu128", "2.9.0a0+git1234", "10.0"])
def test_newer_versions_pass_whatever_their_suffix(installed, version):
    installed["torch"] = version
    assert setup.check_requirements() == {}


def test_the_bound_itself_passes_with_zeros_at_its_end(installed):
    installed["matplotlib"] = setup.requirements()["matplotlib"] + ".0"
    assert setup.check_requirements() == {}


def test_only_the_missing_package_is_in_the_command(installed):
    del installed["safetensors"]
    with pytest.raises(ConfigError) as error:
        setup.check_requirements()
    assert "pip install 'safetensors>=" in str(error.value)
    assert "torch" not in str(error.value)


def test_a_missing_optional_package_is_shown_and_stops_nothing(installed, capsys):
    del installed["lpips"]
    setup.setup()
    assert "pip install 'lpips>=" in capsys.readouterr().out


def test_colab_installs_what_is_missing_and_touches_nothing_else(installed, colab, monkeypatch):
    del installed["lpips"]
    commands = []

    def run(command, **_):
        commands.append(command)
        installed["lpips"] = "0.1.4"
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(setup.subprocess, "run", run)
    assert setup.check_requirements() == {}
    assert len(commands) == 1 and commands[0][:4] == [sys.executable, "-m", "pip", "install"]
    packages = [word for word in commands[0][4:] if not word.startswith("-")]
    assert [word.partition(">=")[0] for word in packages] == ["lpips"]
    assert "--no-deps" in commands[0] and "--upgrade" not in commands[0]
    setup.check_requirements()
    assert len(commands) == 1


def test_colab_without_a_network_goes_on(installed, colab, monkeypatch, capsys):
    del installed["lpips"]
    failure = SimpleNamespace(returncode=1)
    monkeypatch.setattr(setup.subprocess, "run", lambda *_, **__: failure)
    assert list(setup.check_requirements()) == ["lpips"]
    assert "Could not install lpips" in capsys.readouterr().out


def test_checkpoints_go_to_drive_only_when_asked(colab, clone, tmp_path):
    assert setup.choose_work(False) == clone / "work"
    expected = tmp_path / "drive" / "MyDrive" / "srgan-course"
    assert setup.choose_work(True) == expected and expected.is_dir()


def test_a_refused_drive_is_said_and_the_local_folder_taken(colab, clone, capsys):
    def refuse(mountpoint):
        raise ValueError("mount failed")

    colab.mount = refuse
    assert setup.choose_work(True) == clone / "work"
    assert "mount failed" in capsys.readouterr().out


def test_drive_outside_colab_is_said(clone, capsys):
    assert setup.choose_work(True) == clone / "work"
    assert "Colab only" in capsys.readouterr().out


def test_a_folder_that_cannot_be_made_is_refused(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("SRGAN_WORK", str(tmp_path / "file" / "work"))
    with pytest.raises(ConfigError, match="SRGAN_WORK"):
        setup.choose_work()


def test_versions_are_read_from_what_is_installed():
    assert setup._version("torch") == metadata.version("torch")
    assert setup._version("no-such-package") is None
