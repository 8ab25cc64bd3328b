"""Real material: what CloudWatch, Kinesis, S3, SQS, EventBridge or a flow's log shows, as copied.

`read_material` takes bytes and answers the events in them. It knows neither the simulator nor a
terminal, so a web page can use it as well.
"""

from simulator.material.recognition import Event, Material, NotUnderstood, read_material

__all__ = ["Event", "Material", "NotUnderstood", "read_material"]
