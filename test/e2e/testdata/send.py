"""Sends one text message by boto3, with the parameters that the guide's example
of chapter 12 gives. The endpoint, region and credentials come from the
environment, so nothing here knows that the service is not AWS's."""
import boto3

client = boto3.client("pinpoint-sms-voice-v2")
response = client.send_text_message(
    ConfigurationSetName="MyConfigurationSet",
    Context={"key1": "value1"},
    DestinationCountryParameters={"IN_TEMPLATE_ID": "TEMPLATE01234", "IN_ENTITY_ID": "ENTITY98765"},
    DestinationPhoneNumber="+14255550168",
    DryRun=False,
    Keyword="MyKeyword",
    MaxPrice="2.00",
    MessageBody="This is a test message sent from Amazon Pinpoint SMS using the AWS SDK for Python (Boto3). ",
    MessageType="TRANSACTIONAL",
    OriginationIdentity="+12065550183",
    TimeToLive=120,
)
print(response["MessageId"])
