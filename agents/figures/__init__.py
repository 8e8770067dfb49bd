"""Figures with a source: which figures of an answer are in what a task's runs, tools and reports brought."""

from agents.figures.check import CheckedFigures, FoundFigure, check_figures, correction
from agents.figures.sources import FigureSource

__all__ = ["CheckedFigures", "FigureSource", "FoundFigure", "check_figures", "correction"]
