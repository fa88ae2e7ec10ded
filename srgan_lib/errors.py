"""Errors that a user can mend: each message is one sentence saying what, where and what to do."""


class SRGANError(ValueError):
    """Base of all of them; the command line prints the message and exits with status 2."""


class Note(UserWarning):
    """A sentence that the reader should know, and that asks for no change of any code."""


class ImageError(SRGANError):
    """A file or array that is not a usable picture."""


class DataError(SRGANError):
    """A folder or data set that is missing, empty or too small."""


class DownloadError(SRGANError):
    """A download that did not finish or did not match its checksum; what was fetched is kept."""


class WeightsError(SRGANError):
    """Weights or a checkpoint that are missing, damaged or of another shape."""


class ConfigError(SRGANError):
    """An unknown recipe, profile, layer, scale or other option."""


class TrainingError(SRGANError):
    """A training that cannot go on; the last good checkpoint is kept."""
