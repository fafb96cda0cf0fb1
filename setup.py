"""Packaging entry point; the metadata lives in pyproject.toml. Dataflow's --setup_file builds from here."""

from setuptools import find_packages, setup

setup(packages=find_packages(include=["pipelines*", "transforms*"]))
