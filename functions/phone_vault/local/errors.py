"""What goes wrong in the embedded AWS, and is not the caller's own doing."""


class FunctionError(Exception):
    """A function raised, as Lambda reports it: `error_type` is the exception's class, `message` its text."""

    def __init__(self, error_type: str, message: str, stack_trace: tuple[str, ...] = ()) -> None:
        super().__init__(f"{error_type}: {message}")
        self.error_type = error_type
        self.message = message
        self.stack_trace = stack_trace


class ExecutionFailed(Exception):
    """An execution did not succeed; `error` and `cause` as Step Functions has them."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


class AlreadyOpen(RuntimeError):
    """moto has one AWS in a process, so there is one LocalCloud at a time."""


class NotOpen(RuntimeError):
    """A LocalCloud acts between `__enter__` and `__exit__` only."""


class UnknownFunction(LookupError):
    """No such function is deployed."""


class UnknownStateMachine(LookupError):
    """No such state machine is deployed."""
