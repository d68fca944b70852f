"""tradewire connects trading strategies to venues."""
