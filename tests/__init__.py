"""Tests of fceval."""
