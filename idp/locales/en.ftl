### English: a translation of the meaning. The same keys and arguments as id.ftl.

## Frame of all pages
system-name = Single Sign-On
government = Government of { $city }
language-nav = Language
skip = Skip to content
reference-label = Reference code
time-label = Time
copy = Copy
copied = Copied
start-again = Start again
back-home = To the home page

## Sign-in
sign-in-title = Sign in
sign-in-lead = You will continue to <b>{ $application }</b>.
sign-in-lead-alone = One account for all applications of the local government.
sign-in-username = NIP, NI PPPK, official e-mail or account name
sign-in-password = Password
sign-in-show = Show
sign-in-hide = Hide
sign-in-submit = Sign in
sign-in-help = Forgot your password, or need help? Ask the <b>Tier 1 service desk</b> of your agency.
sign-in-help-city = Forgot your password, or need help? Ask the <b>Tier 1 service desk</b> of your agency, or { $help }.
sign-in-error-title-prefix = Error: Sign in
sign-in-failed-title = NIP/e-mail or password does not match.
sign-in-failed-text = Check Caps Lock and try again. After 5 failures the next attempt waits 1&nbsp;minute.
sign-in-still-failing = Server time <b class="clock">{ $clock }</b>. Still failing? Give the code <code class="nw" id="reference">{ $reference }</code> to your Tier&nbsp;1 service desk.
sign-in-throttled-title = Too many failed attempts.
sign-in-throttled-text = Try again at <b class="nw">{ $clock }</b>. Attempts before then are not checked and do not make the wait longer.
sign-in-inactive-title = Your account is not active.
sign-in-inactive-text = Your password is right, but this account cannot sign in. Ask the Tier&nbsp;1 service desk of your agency.
sign-in-again-title = Sign in once more.
sign-in-again-text = The application asks you to prove who you are again.

## Home
home-title = You are signed in
home-lead = You are signed in as <b>{ $name }</b>.
home-text = Open the application you need; you will not type your password again until this session ends.
home-since = Signed in since
home-until = Session ends at the latest
home-sign-out = Sign out
home-guest-title = Welcome
home-guest-text = Here you sign in once for all applications of the local government. Usually an application sends you here.
home-guest-sign-in = Sign in

## Sign-out
sign-out-title = Sign out
sign-out-ask = You are signed in as <b>{ $name }</b>. Sign out of all applications in this browser?
sign-out-ask-client = <b>{ $application }</b> asks you to sign out. You will be signed out of all applications in this browser.
sign-out-submit = Sign out
sign-out-cancel = Cancel
sign-out-done-title = You are signed out
sign-out-done-text = The applications you opened in this browser are being told. On a shared computer, close the browser.
sign-out-sign-in = Sign in again
sign-out-back = Back to { $application }

## Refusal at an application's door
refusal-owner = { $application } · owned by { $owner }
refusal-title = You have no role in this application yet
refusal-title-account = Your account cannot enter this application yet
refusal-lead = You are signed in as <b>{ $name }</b>. Only the role is missing.
refusal-lead-account = You are signed in as <b>{ $name }</b>.
refusal-why = Why
refusal-checked = Checked { $clock }
refusal-posts = Your position
refusal-no-post = No position in force
refusal-roles = Roles are given to
refusal-no-roles = There are no rules yet. While there are none, nobody can enter.
refusal-by-grant = by direct grant only
refusal-grants = Direct grants
refusal-no-grants = None in your name
refusal-status = Account status
refusal-rest-text = During unpaid leave or study leave, roles of the position rest
refusal-validity-text = This account is outside its days of validity
refusal-status-text = This account is not active
refusal-help = Recently transferred? A new role begins on its effective date (TMT) at 00:00. If this is wrong, give the reference code to your agency's Tier&nbsp;1 service desk.
refusal-help-owner = Recently transferred? A new role begins on its effective date (TMT) at 00:00. If this is wrong, give the reference code to <b>{ $owner }</b>, which owns the application, or to your agency's Tier&nbsp;1 service desk.
refusal-back = Back to the application
refusal-other-account = Sign out and use another account

rule-everyone = all staff
rule-all-units = all agencies
rule-positions = { $list }
rule-kinds = { $list }
rule-eselon = officials of echelon { $list }
rule-golongan = grade { $list }
rule-within = in { $unit }
rule-unit-kinds = units of kind { $list }
rule-starting-with = { $start }…
rule-acting = as { $list }
list-or = or
kind-asn_pns = PNS
kind-asn_cpns = CPNS
kind-asn_pppk = PPPK
kind-asn_pppk_paruh_waktu = part-time PPPK
kind-pejabat_negara = state officials
kind-dprd = council members
kind-non_asn = contract staff
kind-vendor = vendors
kind-service = services
capacity-definitif = definitive
capacity-plt = Plt. (acting)
capacity-plh = Plh. (daily acting)
capacity-pj = Pj. (caretaker)

## Queue
queue-title = The service is busy, you are in a queue
queue-lead = This page opens the sign-in form again as soon as there is a turn. Your password is not kept; type it once more then.
queue-wait = Estimated wait
queue-seconds = seconds
queue-ahead = Ahead of you
queue-people = { $count } people
queue-arrived = You arrived
queue-code = Queue code
queue-refresh = The form opens
queue-refresh-text = in { $seconds } seconds
queue-note = Note the queue code if waiting makes you late; it points to the server's record.
queue-now = Try now

## One-time link
link-title = Set a password
link-lead = For the account <b>{ $name }</b>. This link works once.
link-new = New password
link-hint = At least { $shortest } characters. A few words are easier to remember than one complicated word.
link-repeat = Repeat the new password
link-submit = Save the password
link-short = The password is too short: at least { $shortest } characters.
link-long = The password is too long: at most 256 characters.
link-control = The password has characters that cannot be typed.
link-differs = The two entries differ. Type the same password twice.
link-done-title = Password saved
link-done-text = The link no longer works. Sign in with your new password.

## Errors
error-title-prefix = Error
error-help = If you need help, give this reference code to your agency's Tier&nbsp;1 service desk.
error-other-title = This request cannot be served
error-other-text = Go back to your application and try again.
error-invalid_request-title = The application's request is incomplete
error-invalid_request-text = The application sent a sign-in request that cannot be read. This is not your mistake; tell those who run the application.
error-unknown_client-title = This application is not registered
error-unknown_client-text = The application that sent you here is not registered, or has been switched off. Tell those who run the application.
error-client_disabled-title = This application is switched off
error-client_disabled-text = Its way in has been switched off. Tell those who run the application if you need it.
error-redirect_uri_mismatch-title = The return address is not registered
error-redirect_uri_mismatch-text = The application asks us to send you to an address that is not registered. For your safety we do not. Tell those who run the application.
error-post_logout_redirect_uri_mismatch-title = The address after sign-out is not registered
error-post_logout_redirect_uri_mismatch-text = The application asks us to send you to an address that is not registered. For your safety we do not.
error-invalid_hint-title = This sign-out request cannot be trusted
error-invalid_hint-text = The identity the application sent is not of your session. You are not signed out.
error-interaction_expired-title = This page has expired
error-interaction_expired-text = This sign-in request is older than 10 minutes, or already finished. Start again from the application.
error-foreign_post-title = This form did not come from our pages
error-foreign_post-text = For your safety, entries from other pages are not accepted. Open the sign-in page again and retry.
error-too_large-title = The entry is too large
error-too_large-text = What was sent exceeds the limit of this page. Go back and enter less.
error-not_found-title = Page not found
error-not_found-text = This address does not exist. Check its spelling, or open it from your application.
error-method_not_allowed-title = This address is not used that way
error-method_not_allowed-text = Go back to your application and try again.
error-link_invalid-title = The link is not valid
error-link_invalid-text = This link has been used, is older than 24 hours, or is incomplete. Ask those who run the server for a new one.
error-server_error-title = Something went wrong in the service
error-server_error-text = The fault is ours and has been noted. Try again in a moment.
error-temporarily_unavailable-title = The service is not available
error-temporarily_unavailable-text = Our storage does not answer yet. Nothing is lost; try again in a minute.
