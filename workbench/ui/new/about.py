"""The page of a model, from the docstring of its file."""

from rich.markup import escape

import models
from workbench.config import defaults
from workbench.units import plain

# What the papers' letters are called where the terminal has only ASCII.
_NAMES = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "eps", "θ": "theta", "λ": "lambda", "μ": "mu",
    "π": "pi", "σ": "sigma", "τ": "tau", "φ": "phi", "ψ": "psi", "Σ": "sum", "∑": "sum", "∇": "grad", "∈": "in",
    "∞": "inf", "−": "-", "–": "-", "—": "-", "·": "*", "×": "x", "‖": "||", "½": "1/2", "√": "sqrt", "≤": "<=",
    "≥": ">=", "≈": "~", "→": "->", "←": "<-", "²": "^2", "³": "^3", "₀": "_0", "₁": "_1", "₂": "_2",
    "\u0302": "^", "…": "...", "’": "'", "“": '"', "”": '"',
}  # fmt: skip


def page(model: str, unicode: bool) -> str:
    """What a model is, as markup: paragraphs to be wrapped, formulas as they stand, its own defaults."""
    first, _, rest = models.about(model).partition("\n")
    recipe = ", ".join(f"{name} {plain(value)}" for name, value in sorted(models.settings(model).recipe.items()))
    blocks = [f"[bold]{escape(first)}[/]", *(_block(block) for block in rest.strip("\n").split("\n\n"))]
    blocks.append(f"[dim]Its recipe: {escape(recipe)}, learning_rate {plain(defaults(model)['learning_rate'])}.[/]")
    text = "\n\n".join(blocks)
    return text if unicode else ascii_of(text)


def _block(block: str) -> str:
    """A paragraph, to be wrapped anew; or a formula, whose line breaks mean something."""
    if block.startswith("    "):
        return escape(block)
    lead, colon, rest = " ".join(block.split()).partition("fails:")
    return (
        f"[bold]{escape(lead + colon)}[/]{escape(rest)}"
        if colon and lead == "How it "
        else escape(lead + colon + rest)
    )


def ascii_of(text: str) -> str:
    """The same in ASCII; a letter without a name becomes a question mark."""
    return "".join(_NAMES.get(sign, sign) for sign in text).encode("ascii", "replace").decode()
