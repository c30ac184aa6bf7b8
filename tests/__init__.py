"""Tests, and what they share with benchmarks. A package, because a dependency installs one of the same name."""
