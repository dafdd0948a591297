package sms

import (
	"errors"
	"fmt"
)

// ErrorKind is the exception that the API answers an error with.
type ErrorKind int

const (
	KindInternal      ErrorKind = iota // anything not foreseen; never shown to a client
	KindValidation                     // ValidationException
	KindNotFound                       // ResourceNotFoundException
	KindConflict                       // ConflictException
	KindQuotaExceeded                  // ServiceQuotaExceededException
	KindAccessDenied                   // AccessDeniedException
	KindThrottled                      // ThrottlingException
)

// Reason is the machine-readable cause that the API model lists for an
// exception, for instance INVALID_ARN.
type Reason string

// Field names one member of a request and what is wrong with it.
type Field struct {
	Name    string
	Message string
}

// Error is the domain's error: an exception of the API with its Reason and what
// it speaks of. Err, where set, is the cause; it is logged and never shown.
type Error struct {
	Kind         ErrorKind
	Reason       Reason
	Message      string
	Fields       []Field
	ResourceType ResourceType
	ResourceID   string
	Err          error
}

func (e *Error) Error() string {
	text := e.Message
	if e.Reason != "" {
		text = string(e.Reason) + ": " + text
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// AsError finds the domain error in err's chain.
func AsError(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// Invalid is a ValidationException about one member of the request.
func Invalid(reason Reason, field, format string, args ...any) *Error {
	message := fmt.Sprintf(format, args...)
	return &Error{Kind: KindValidation, Reason: reason, Message: message, Fields: []Field{{Name: field, Message: message}}}
}

// NotFound is a ResourceNotFoundException for the resource named.
func NotFound(t ResourceType, id string) *Error {
	return &Error{Kind: KindNotFound, ResourceType: t, ResourceID: id,
		Message: fmt.Sprintf("There is no %s %q in this account.", t, id)}
}

// Conflict is a ConflictException about the resource named.
func Conflict(reason Reason, t ResourceType, id, format string, args ...any) *Error {
	return &Error{Kind: KindConflict, Reason: reason, ResourceType: t, ResourceID: id, Message: fmt.Sprintf(format, args...)}
}

// QuotaExceeded is a ServiceQuotaExceededException.
func QuotaExceeded(reason Reason, format string, args ...any) *Error {
	return &Error{Kind: KindQuotaExceeded, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// Throttled is a ThrottlingException.
func Throttled(format string, args ...any) *Error {
	return &Error{Kind: KindThrottled, Message: fmt.Sprintf(format, args...)}
}

// The Reasons that the rules of this project answer with, as the API model
// spells them.
const (
	ReasonCannotAddOptedOutNumber          Reason = "CANNOT_ADD_OPTED_OUT_NUMBER"
	ReasonCannotParse                      Reason = "CANNOT_PARSE"
	ReasonChannelNotEnabled                Reason = "CHANNEL_NOT_ENABLED"
	ReasonDestinationCountryBlocked        Reason = "DESTINATION_COUNTRY_BLOCKED"
	ReasonInternationalSendingNotSupported Reason = "INTERNATIONAL_SENDING_NOT_SUPPORTED"
	ReasonInvalidARN                       Reason = "INVALID_ARN"
	ReasonInvalidFilterValues              Reason = "INVALID_FILTER_VALUES"
	ReasonInvalidIdentityForCountry        Reason = "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY"
	ReasonInvalidNextToken                 Reason = "INVALID_NEXT_TOKEN"
	ReasonInvalidParameter                 Reason = "INVALID_PARAMETER"
	ReasonInvalidRequest                   Reason = "INVALID_REQUEST"
	ReasonMaximumSizeExceeded              Reason = "MAXIMUM_SIZE_EXCEEDED"
	ReasonMissingParameter                 Reason = "MISSING_PARAMETER"
	ReasonParametersExclude                Reason = "PARAMETERS_CANNOT_BE_USED_TOGETHER"
	ReasonPhoneNumberCannotBeOptedIn       Reason = "PHONE_NUMBER_CANNOT_BE_OPTED_IN"
	ReasonPhoneNumberCannotBeReleased      Reason = "PHONE_NUMBER_CANNOT_BE_RELEASED"
	ReasonPriceOverThreshold               Reason = "PRICE_OVER_THRESHOLD"
	ReasonSpendLimitHigherThanServiceLimit Reason = "REQUESTED_SPEND_LIMIT_HIGHER_THAN_SERVICE_LIMIT"
	ReasonResourceNotAccessible            Reason = "RESOURCE_NOT_ACCESSIBLE"
	ReasonSenderIDNotRegistered            Reason = "SENDER_ID_NOT_REGISTERED"
	ReasonSenderIDNotSupported             Reason = "SENDER_ID_NOT_SUPPORTED"
	ReasonSenderIDRequiresRegistration     Reason = "SENDER_ID_REQUIRES_REGISTRATION"
	ReasonTwoWayNotEnabled                 Reason = "TWO_WAY_NOT_ENABLED"
	ReasonTwoWayNotSupportedInCountry      Reason = "TWO_WAY_NOT_SUPPORTED_IN_COUNTRY"
	ReasonTwoWayChannelNotPresent          Reason = "TWO_WAY_CHANNEL_NOT_PRESENT"
	ReasonVerificationCodeMismatch         Reason = "VERIFICATION_CODE_MISMATCH"
	ReasonVoiceCapabilityNotAvailable      Reason = "VOICE_CAPABILITY_NOT_AVAILABLE"

	ReasonDeletionProtectionEnabled            Reason = "DELETION_PROTECTION_ENABLED"
	ReasonDestinationNotVerified               Reason = "DESTINATION_PHONE_NUMBER_NOT_VERIFIED"
	ReasonDestinationOptedOut                  Reason = "DESTINATION_PHONE_NUMBER_OPTED_OUT"
	ReasonEventDestinationMismatch             Reason = "EVENT_DESTINATION_MISMATCH"
	ReasonKeywordMismatch                      Reason = "KEYWORD_MISMATCH"
	ReasonLastPhoneNumber                      Reason = "LAST_PHONE_NUMBER"
	ReasonNumberCapabilitiesMismatch           Reason = "NUMBER_CAPABILITIES_MISMATCH"
	ReasonMessageTypeMismatch                  Reason = "MESSAGE_TYPE_MISMATCH"
	ReasonNoOriginationIdentitiesFound         Reason = "NO_ORIGINATION_IDENTITIES_FOUND"
	ReasonOptOutListMismatch                   Reason = "OPT_OUT_LIST_MISMATCH"
	ReasonPhoneNumberAssociatedToPool          Reason = "PHONE_NUMBER_ASSOCIATED_TO_POOL"
	ReasonPhoneNumberNotAssociatedToPool       Reason = "PHONE_NUMBER_NOT_ASSOCIATED_TO_POOL"
	ReasonResourceAlreadyAssociated            Reason = "RESOURCE_ALREADY_ASSOCIATED"
	ReasonSenderIDAssociatedToPool             Reason = "SENDER_ID_ASSOCIATED_TO_POOL"
	ReasonResourceAlreadyExists                Reason = "RESOURCE_ALREADY_EXISTS"
	ReasonResourceDeletionNotAllowed           Reason = "RESOURCE_DELETION_NOT_ALLOWED"
	ReasonResourceModificationNotAllowed       Reason = "RESOURCE_MODIFICATION_NOT_ALLOWED"
	ReasonResourceNotActive                    Reason = "RESOURCE_NOT_ACTIVE"
	ReasonResourceNotEmpty                     Reason = "RESOURCE_NOT_EMPTY"
	ReasonSelfManagedOptOutsMismatch           Reason = "SELF_MANAGED_OPT_OUTS_MISMATCH"
	ReasonTwoWayConfigMismatch                 Reason = "TWO_WAY_CONFIG_MISMATCH"
	ReasonVerificationAlreadyComplete          Reason = "VERIFICATION_ALREADY_COMPLETE"
	ReasonVerificationCodeExpired              Reason = "VERIFICATION_CODE_EXPIRED"
	ReasonConfigurationSetsPerAccount          Reason = "CONFIGURATION_SETS_PER_ACCOUNT"
	ReasonEventDestinationsPerSet              Reason = "EVENT_DESTINATIONS_PER_CONFIGURATION_SET"
	ReasonKeywordsPerPhoneNumber               Reason = "KEYWORDS_PER_PHONE_NUMBER"
	ReasonKeywordsPerPool                      Reason = "KEYWORDS_PER_POOL"
	ReasonOptOutListsPerAccount                Reason = "OPT_OUT_LISTS_PER_ACCOUNT"
	ReasonMonthlySpendLimitReachedForText      Reason = "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"
	ReasonMonthlySpendLimitReachedForVoice     Reason = "MONTHLY_SPEND_LIMIT_REACHED_FOR_VOICE"
	ReasonOriginationIdentitiesPerPool         Reason = "ORIGINATION_IDENTITIES_PER_POOL"
	ReasonPhoneNumbersPerAccount               Reason = "PHONE_NUMBERS_PER_ACCOUNT"
	ReasonPoolsPerAccount                      Reason = "POOLS_PER_ACCOUNT"
	ReasonSenderIDsPerAccount                  Reason = "SENDER_IDS_PER_ACCOUNT"
	ReasonTagsPerResource                      Reason = "TAGS_PER_RESOURCE"
	ReasonVerificationAttemptsPerDay           Reason = "VERIFICATION_ATTEMPTS_PER_DAY"
	ReasonVerifiedDestinationNumbersPerAccount Reason = "VERIFIED_DESTINATION_NUMBERS_PER_ACCOUNT"
)

// The Reasons of protect configurations.
const (
	ReasonCountryBlockedByProtect         Reason = "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION"
	ReasonNumberBlockedByProtect          Reason = "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE"
	ReasonCountryNotEnabled               Reason = "COUNTRY_NOT_ENABLED"
	ReasonProtectAccountDefault           Reason = "PROTECT_CONFIGURATION_IS_ACCOUNT_DEFAULT"
	ReasonProtectAssociatedWithSet        Reason = "PROTECT_CONFIGURATION_ASSOCIATED_WITH_CONFIGURATION_SET"
	ReasonProtectNotAssociatedWithSet     Reason = "PROTECT_CONFIGURATION_NOT_ASSOCIATED_WITH_CONFIGURATION_SET"
	ReasonProtectConfigurationsPerAccount Reason = "PROTECT_CONFIGURATIONS_PER_ACCOUNT"
)
