"""What crosses the wire: ids, messages, outcomes, the codec, the subjects and every bound. Nothing here does I/O."""
