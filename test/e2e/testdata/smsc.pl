#!/usr/bin/perl
# A message centre made of Perl's Net::SMPP (Debian: libnet-smpp-perl), an SMPP
# implementation that shares nothing with this project's. It decides nothing: it
# tells what arrives as lines of JSON on standard output, and does what lines of
# JSON on standard input ask for.
#
# It tells:
#   {"event":"listening","port":P}
#   {"event":"bind","command":"bind_transceiver","system_id":S,"password":S}
#   {"event":"submit_sm","number":N, the PDU's fields, "body":HEX}
#   {"event":"deliver_sm_resp","sequence":N,"status":N}
#   {"event":"unbind"}, {"event":"closed"}
# submit_sm are numbered from 1. short_message, the optional parameters and body,
# the PDU without its header, are in hexadecimal.
#
# It does:
#   {"command":"answer","number":N,"status":N,"message_id":S}   submit_sm_resp
#   {"command":"deliver","sequence":N,"fields":{...},"tlvs":{NAME:HEX}}  deliver_sm
# It ends with its standard input.
use strict;
use warnings;
use IO::Select;
use JSON::PP;
use Net::SMPP;

$SIG{PIPE} = 'IGNORE';
$| = 1;
my $json     = JSON::PP->new->canonical->ascii;
my $listener = Net::SMPP->new_listen('127.0.0.1', port => 0, system_id => 'netsmpp')
    or die "listen: $!\n";
my $select = IO::Select->new(\*STDIN, $listener);
my (%submitted, $count, $receiver, $input);
$input = '';

sub tell { print $json->encode({@_}), "\n" }

sub submit {
    my ($session, $pdu) = @_;
    my $number = ++$count;
    $submitted{$number} = { session => $session, sequence => $pdu->seq };
    my %tlvs = map { $_ => unpack('H*', $pdu->{$_}) } grep { /^\d+$/ } keys %$pdu;
    my %fields = map { $_ => $pdu->{$_} } qw(
        service_type source_addr_ton source_addr_npi source_addr dest_addr_ton dest_addr_npi
        destination_addr esm_class protocol_id priority_flag schedule_delivery_time validity_period
        registered_delivery replace_if_present_flag data_coding sm_default_msg_id);
    main::tell(event => 'submit_sm', number => $number, %fields, tlvs => \%tlvs,
        short_message => unpack('H*', $pdu->{short_message}), body => unpack('H*', $pdu->{data}));
}

sub closed {
    my ($session) = @_;
    $select->remove($session);
    $receiver = undef if defined $receiver && $receiver == $session;
    close $session;
    main::tell(event => 'closed');
}

# serve takes one PDU of an ESME.
sub serve {
    my ($session) = @_;
    my $pdu = $session->read_pdu or return closed($session);
    my $command = $pdu->explain_cmd;
    my @answer = (seq => $pdu->seq);
    if ($command =~ /^bind_(transceiver|transmitter|receiver)$/) {
        my $respond = "${command}_resp";
        $receiver = $session if $1 ne 'transmitter';
        main::tell(event => 'bind', command => $command, system_id => $pdu->{system_id}, password => $pdu->{password});
        $session->$respond(@answer, system_id => 'netsmpp');
    } elsif ($command eq 'submit_sm') {
        submit($session, $pdu);
    } elsif ($command eq 'enquire_link') {
        $session->enquire_link_resp(@answer);
    } elsif ($command eq 'deliver_sm_resp') {
        main::tell(event => 'deliver_sm_resp', sequence => $pdu->seq, status => $pdu->status);
    } elsif ($command eq 'unbind') {
        main::tell(event => 'unbind');
        $session->unbind_resp(@answer);
    }
}

# obey does what one line of the test asks for.
sub obey {
    my ($line) = @_;
    my $c = $json->decode($line);
    if ($c->{command} eq 'answer') {
        my $s = delete $submitted{$c->{number}} or die "no submit_sm $c->{number} waits\n";
        $s->{session}->submit_sm_resp(seq => $s->{sequence}, status => $c->{status}, message_id => $c->{message_id});
    } elsif ($c->{command} eq 'deliver') {
        die "no receiver is bound\n" unless defined $receiver;
        my %fields = %{ $c->{fields} };
        my $text   = pack('H*', delete $fields{short_message});
        my $tlvs   = $c->{tlvs};
        my @tlvs   = map { $_ => pack('H*', $tlvs->{$_}) } sort keys %$tlvs;
        $receiver->deliver_sm(async => 1, seq => $c->{sequence}, %fields, short_message => $text, @tlvs);
    } else {
        die "unknown command $c->{command}\n";
    }
}

main::tell(event => 'listening', port => $listener->sockport);
while (1) {
    for my $ready ($select->can_read) {
        if ($ready == \*STDIN) {
            sysread(STDIN, $input, 65536, length $input) or exit 0;
            obey($1) while $input =~ s/^(.*)\n//;
        } elsif ($ready == $listener) {
            my $session = $listener->accept or next;
            $select->add($session);
        } else {
            serve($ready);
        }
    }
}
