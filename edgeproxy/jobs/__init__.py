"""Floor 4: what happens by the clock, or in the background of all else.

``schedule``    jobs at their times, one run at a time (APScheduler's only door)
``nightly``     the night: phrases made afresh, what is asked for kept, old records forgotten
``nights``      when the nights are, as the books say
``report``      what a night has done, for machines and for people
``at_once``     what is new in the books, made as soon as it is
``background``  tasks that begin and end with the house
"""
