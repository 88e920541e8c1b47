# SPDX-License-Identifier: Apache-2.0
"""The part of Launchpad's web service that osci asks, on Launchpad's own framework, lazr.restful.

A program of its own: `python -m launchpad.service TABLE` prints its URL, and serves
until its standard input is closed. The table is that of `launchpad.serve`, as JSON.
"""
