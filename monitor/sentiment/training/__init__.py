"""Trains the models that score texts, from folders of labelled posts; needs the extra `training`."""
