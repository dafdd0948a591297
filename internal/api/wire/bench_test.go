package wire

import "testing"

// sendTextMessage is a typical body of a send.
const sendTextMessage = `{"DestinationPhoneNumber": "+14254147755", "OriginationIdentity": "arn:aws:sms-voice:us-east-1:111122223333:phone-number/phone-0123456789abcdef0123456789abcdef", "MessageBody": "Your code is 123456. It is valid for ten minutes.", "MessageType": "TRANSACTIONAL", "ConfigurationSetName": "main", "MaxPrice": "0.05", "TimeToLive": 600, "Context": {"campaign": "welcome"}}`

func BenchmarkDecodeValidate(b *testing.B) {
	body := []byte(sendTextMessage)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		in := new(SendTextMessageRequest)
		if err := Decode(body, in); err != nil {
			b.Fatal(err)
		}
		if v := in.Validate(); v != nil {
			b.Fatal(v.Message())
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	out := SendTextMessageResult{MessageId: new("0123456789abcdef0123456789abcdef")}
	buf := make([]byte, 0, 256)
	b.ReportAllocs()
	for b.Loop() {
		buf = out.AppendWire(buf[:0])
	}
}
