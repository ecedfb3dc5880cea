"""What a test leaves on a server that others use too, and how it is taken away again."""

from service.stack import S3Access


def make_bucket(access: S3Access, name: str) -> None:
    _client(access).create_bucket(Bucket=name)


def remove_bucket(access: S3Access, name: str) -> None:
    """The bucket with all in it, parts of unfinished uploads included."""
    client = _client(access)
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=name):
        for upload in page.get("Uploads", ()):
            client.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=name):
        for found in page.get("Contents", ()):
            client.delete_object(Bucket=name, Key=found["Key"])
    client.delete_bucket(Bucket=name)


def remove_topics(brokers: str, *, prefix: str) -> None:
    from kafka import KafkaAdminClient

    client = KafkaAdminClient(bootstrap_servers=brokers)
    try:
        ours = [name for name in client.list_topics() if name.startswith(prefix)]
        if ours:
            client.delete_topics(ours)
    finally:
        client.close()


def _client(access: S3Access):
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=access.endpoint,
        aws_access_key_id=access.access_key,
        aws_secret_access_key=access.secret_key,
        region_name=access.region,
    )
