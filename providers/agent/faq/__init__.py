"""The agent ``faq``: questions, answers and tables that a shop writes itself."""

from providers.agent.faq.agent import FaqAgent, Settings, create

__all__ = ["FaqAgent", "Settings", "create"]
