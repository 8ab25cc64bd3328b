"""What comes by Kinesis: batches, and what is done with each contact event and contact record."""
