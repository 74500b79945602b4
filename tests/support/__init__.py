"""Parts that several tests share: a clock that stands still and real servers on loopback."""
