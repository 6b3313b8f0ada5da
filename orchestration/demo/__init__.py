"""The synthetic shop with known truth: landing files of any size from a seed.

Belongs here: the names that other packages use. Does not belong here: any code.
"""

from orchestration.demo.shop import generate_demo_shop
from orchestration.demo.summary import DemoTruth, RuleTotal, read_demo_truth

__all__ = ["DemoTruth", "RuleTotal", "generate_demo_shop", "read_demo_truth"]
