package verification

import "fmt"

// DefaultLanguage is that of messages where the request names none.
const DefaultLanguage = "EN_US"

// texts are the messages by the model's LanguageCode. Each fits into one message part.
var texts = map[string]string{
	"DE_DE":  "Ihr Bestätigungscode ist %s. Er gilt 15 Minuten.",
	"EN_GB":  "Your verification code is %s. It is valid for 15 minutes.",
	"EN_US":  "Your verification code is %s. It is valid for 15 minutes.",
	"ES_419": "Tu código de verificación es %s. Vence en 15 minutos.",
	"ES_ES":  "Su código de verificación es %s. Caduca en 15 minutos.",
	"FR_CA":  "Votre code de vérification est le %s. Il est valide 15 minutes.",
	"FR_FR":  "Votre code de vérification est %s. Il est valable 15 minutes.",
	"IT_IT":  "Il codice di verifica è %s. Vale per 15 minuti.",
	"JA_JP":  "確認コードは%sです。15分間有効です。",
	"KO_KR":  "인증 코드는 %s입니다. 15분 동안 유효합니다.",
	"PT_BR":  "Seu código de verificação é %s. Ele vale por 15 minutos.",
	"ZH_CN":  "您的验证码是%s,15分钟内有效。",
	"ZH_TW":  "您的驗證碼是%s,15分鐘內有效。",
}

// Message is the text that brings a code to its number, in the language of a
// LanguageCode of the model, or in DefaultLanguage.
func Message(language, code string) string {
	text, ok := texts[language]
	if !ok {
		text = texts[DefaultLanguage]
	}
	return fmt.Sprintf(text, code)
}
