"""Floor 4: what happens by the clock.

``schedule``  jobs at their times, one run at a time (APScheduler's only door)
"""
