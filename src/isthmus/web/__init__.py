"""What our servers share: who may ask, how they answer, where they listen."""

__all__: list[str] = []
