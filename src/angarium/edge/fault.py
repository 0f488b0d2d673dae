"""What may be logged of a fault in our own code: its type and its place, never its text, which may name somebody."""

__all__ = ["where"]


def where(fault: BaseException) -> str:
    """What kind of fault, and where in the code: nothing of the data it met."""
    frame = fault.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f"{frame.tb_frame.f_code.co_qualname}:{frame.tb_lineno}" if frame else "?"
    return f"{type(fault).__name__} at {place}"
