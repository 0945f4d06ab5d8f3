"""Large bytes under names: on the local disk, or at any service that speaks S3.

A name is a path such as `0193…/part/17`. What was put is there whole or not at all, and survives the process.
"""

from storage.blobs.blobs import Blobs, BlobsAway, NoBlob
from storage.blobs.disk import DiskBlobs
from storage.blobs.s3 import S3Blobs

__all__ = ["Blobs", "BlobsAway", "DiskBlobs", "NoBlob", "S3Blobs"]
