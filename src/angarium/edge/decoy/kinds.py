"""What files are, by the ends of their names: the media types that nginx tells for the files of a web site."""

__all__ = ["kind_of"]

_KINDS = {
    "text/html": "html htm shtml",
    "text/css": "css",
    "text/xml": "xml",
    "text/plain": "txt",
    "text/mathml": "mml",
    "text/x-component": "htc",
    "image/gif": "gif",
    "image/jpeg": "jpeg jpg",
    "image/png": "png",
    "image/tiff": "tif tiff",
    "image/x-icon": "ico",
    "image/x-ms-bmp": "bmp",
    "image/svg+xml": "svg svgz",
    "image/webp": "webp",
    "application/javascript": "js",
    "application/atom+xml": "atom",
    "application/rss+xml": "rss",
    "application/json": "json",
    "application/pdf": "pdf",
    "application/postscript": "ps eps ai",
    "application/rtf": "rtf",
    "application/xhtml+xml": "xhtml",
    "application/zip": "zip",
    "application/x-7z-compressed": "7z",
    "application/x-rar-compressed": "rar",
    "application/vnd.ms-fontobject": "eot",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.ms-powerpoint": "ppt",
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
    "application/wasm": "wasm",
    "application/xspf+xml": "xspf",
    "font/woff": "woff",
    "font/woff2": "woff2",
    "audio/midi": "mid midi kar",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/x-m4a": "m4a",
    "video/mp4": "mp4",
    "video/mpeg": "mpeg mpg",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "video/x-flv": "flv",
    "video/x-m4v": "m4v",
    "video/x-msvideo": "avi",
}
_BY_END = {end: kind for kind, ends in _KINDS.items() for end in ends.split()}


def kind_of(path: str) -> str:
    """The media type of a file; what is before its name's last dot must be something."""
    before, _, end = path.rpartition(".")
    return _BY_END.get("" if before.endswith("/") else end.lower(), "application/octet-stream")
