from wit_world.imports import types as raw

CallProgressTone = raw.CallProgressTone
"""Tones by their meaning; the national plan gives frequencies and cadence."""


class Prompt:
    """Makes the pieces of what a caller hears."""

    @staticmethod
    def say(text: str, language: str = "") -> raw.Prompt:
        """Speech, at most 4,096 characters; `language` is a tag such as `en`, empty: the domain's."""
        return raw.Prompt_Speech(raw.Speech(text, language))

    @staticmethod
    def file(name: str) -> raw.Prompt:
        """A WAV file of the domain, by its name, without a path."""
        return raw.Prompt_File(name)

    @staticmethod
    def silence(duration_ms: int) -> raw.Prompt:
        """Silence, in milliseconds, 1 to 600,000."""
        return raw.Prompt_Silence(duration_ms)

    @staticmethod
    def tone(first_hz: int, duration_ms: int, second_hz: int = 0) -> raw.Prompt:
        """A tone of one or two frequencies (20 to 3,800 Hz), for a time in milliseconds, 1 to 600,000."""
        return raw.Prompt_Tone(raw.PureTone(first_hz, second_hz, duration_ms))

    @staticmethod
    def progress(tone: CallProgressTone, duration_ms: int) -> raw.Prompt:
        """A tone by its meaning, for a time in milliseconds, 1 to 600,000."""
        return raw.Prompt_Progress(raw.ProgressTone(tone, duration_ms))


def raw_prompts(prompts) -> list[raw.Prompt]:
    """A text alone is said in the domain's language."""
    return [Prompt.say(prompt) if isinstance(prompt, str) else prompt for prompt in prompts]
