"""Write docs/keys.md from the workbench's binding table."""

from pathlib import Path

from workbench.ui.help import markdown

PAGE = Path(__file__).parent / "keys.md"

if __name__ == "__main__":
    PAGE.write_text(markdown(), encoding="utf-8")
