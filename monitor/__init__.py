"""The daemon: a mention goes in at one end, a person is told at the other. `monitor.pipeline.flow` names the stages."""
