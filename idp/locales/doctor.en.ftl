### English: a translation of the meaning. The same keys and arguments as doctor.id.ftl.

## All checks
timed-out = The check did not end within { $seconds } seconds.
timed-out-remedy = Something that was asked gives no answer. Look at the network and the server concerned, then run this again.
not-read = The database cannot be read: { $why }.
not-read-remedy = Look at the database and its log, then run this again.

## Settings
settings-ok = The settings in { $file } can be used.
settings-default = No settings file: defaults and GAPURA__… variables can be used.
settings-invalid = The settings cannot be used: { $why }.
settings-invalid-remedy = Correct the line or variable named. All keys: gapura settings, or docs/operations.md.
settings-ca-file = The extra certificates cannot be used: { $why }.
settings-ca-file-remedy = Correct outbound.ca_file: a readable PEM file that holds certificates.

## Database
database-ok = Database { $place } answers.
database-missing = Database { $place } does not exist yet.
database-missing-remedy = In a new deployment that is as it should be: gapura serve makes it. If it ought to exist, correct database.path or bring a backup back with gapura restore.
database-url = database.url is no valid PostgreSQL URL.
database-url-remedy = Write postgres://user:password@host:5432/database. Special characters of the password are written as %XX.
database-unreadable = Database { $place } cannot be read: { $why }.
database-unreadable-remedy = Run this as the owner of the file, or correct its owner and permissions.
database-not-sqlite = { $place } is no SQLite database.
database-not-sqlite-remedy = Correct database.path. If the file is damaged, move it away and bring a backup back with gapura restore.
database-login = PostgreSQL refuses the user or the password in database.url.
database-login-remedy = Correct the password in database.url or database.url_file, or the rule of pg_hba.conf for this user.
database-absent = PostgreSQL has no database of the name in database.url.
database-absent-remedy = Make it: createdb --template=template0 --encoding=UTF8 --lc-collate=C --lc-ctype=C NAME, then gapura migrate.
database-unreachable = PostgreSQL does not answer: { $why }.
database-unreachable-remedy = Look whether PostgreSQL runs, and at host, port and firewall of database.url.
schema-ok = Schema { $needed } is this version's.
schema-older = The database is at schema { $found }, this version needs { $needed }.
schema-older-remedy = Make a backup, then run gapura migrate before gapura serve.
schema-older-file = The database is at schema { $found }, this version needs { $needed }; the next start brings it there by itself.
schema-older-file-remedy = Make a backup with gapura backup before this version is started.
schema-newer = The database is at schema { $found }, newer than the { $needed } this version knows.
schema-newer-remedy = Use a newer gapura, or restore a backup from before the upgrade.
schema-foreign = Another past: migration { $name } of the database is not the one this version knows.
schema-foreign-remedy = This database belongs to another program or release. Look at database.url or database.path.
collation-ok = Text is sorted by bytes.
collation-wrong = The database has encoding { $encoding } and collation { $collation }; text must be sorted by bytes.
collation-wrong-remedy = Make a new database with --template=template0 --encoding=UTF8 --lc-collate=C --lc-ctype=C, and move the content with pg_dump and pg_restore.
zone-ok = Time zone { $set }.
zone-differs = The database was made with zone { $stored }, the settings say { $set }.
zone-differs-remedy = Set city.zone back to { $stored }: the zone is fixed at the first start and cannot be changed.

## Redis
redis-none = No Redis: short-lived state is in memory, which is enough for one node.
redis-ok = Redis answers, drops nothing, and logs every change.
redis-ok-forgets = Redis answers and drops nothing. It does not log to disk: if Redis dies, people who are signing in start again.
redis-url = redis.url is no valid Redis URL.
redis-url-remedy = Write redis://:password@host:6379/0, rediss:// for TLS, or unix:///path/to/socket.
redis-login = Redis refuses the user or the password, or needs one.
redis-login-remedy = Correct the password in redis.url or redis.url_file.
redis-unreachable = Redis does not answer: { $why }.
redis-unreachable-remedy = Look whether Redis runs, and at host, port and firewall of redis.url.
redis-evicts = Redis runs maxmemory-policy { $policy }: the mark of a used code may be dropped, so that the code can be used again.
redis-evicts-remedy = Run redis-cli CONFIG SET maxmemory-policy noeviction and write the same into redis.conf.

## Root key
root-key-ok = Root key { $file } fits and is for its owner alone.
root-key-none-yet = Root key { $file } does not exist yet; the first start makes it.
root-key-missing = Root key { $file } is missing, and this database needs the key named { $needed }.
root-key-missing-remedy = Bring the file back from its copy, or name its place by keys.root_file. Without that key all other keys are lost.
root-key-unreadable = Root key { $file } cannot be read: { $why }.
root-key-unreadable-remedy = Run this as the owner of the file, or correct its owner.
root-key-readable = Root key { $file } may be read by others (mode { $mode }).
root-key-readable-remedy = Run chmod 600 { $file }. If others may have read it already, change the root key with gapura keys rewrap and then the signing keys with gapura keys rotate --now.
root-key-malformed = { $file } is no root key: it must hold 32 bytes in base64url.
root-key-malformed-remedy = Bring the file back from its copy, or name the right place by keys.root_file.
root-key-wrong = Root key { $file } is named { $found }, but this database needs { $needed }.
root-key-wrong-remedy = Put the root key in place that was made with this database. A backup is restored with the key of its time.

## Files
files-ok = Files that hold secrets or people are for their owner alone.
file-readable = { $file } may be read by others (mode { $mode }).
file-readable-remedy = Run chmod 600 { $file }.
folder-writable = Every user may write into { $file } (mode { $mode }) and so replace the root key.
folder-writable-remedy = Run chmod o-w { $file }.
disk-ok = { $folder }: { $free } MiB free of { $total } MiB.
disk-low = { $folder }: only { $free } MiB free of { $total } MiB.
disk-low-remedy = Make room or enlarge the disk before 100 MiB are left.
disk-full = { $folder }: only { $free } MiB free of { $total } MiB. Once it is full nobody can sign in.
disk-full-remedy = Make room now: old logs and backups first, never gapura.db or gapura.db-wal.
disk-unknown = The room on the disk of { $folder } is unknown: { $why }.
disk-unknown-remedy = Look whether the folder exists and can be read.

## Clock
clock-ok = The clock agrees with that of { $source }.
clock-off = This machine's clock differs by { $seconds } seconds from that of { $source }.
clock-off-remedy = Switch time synchronisation on (chrony or systemd-timesyncd) on both machines; timedatectl shows it.
clock-far = This machine's clock differs by { $seconds } seconds from that of { $source }. Tokens and sessions end at the wrong time.
clock-far-remedy = Switch time synchronisation on (chrony or systemd-timesyncd) on both machines, and serve nobody before the clocks agree.
clock-behind = This machine's clock is { $seconds } seconds behind the newest event in the database.
clock-behind-remedy = This clock went back, or another node's is ahead. Switch time synchronisation on, then start again.
clock-ahead-of-events = The clock is not behind the newest event in the database.
clock-unknown = { $source } does not tell the time (header Date).
clock-unknown-remedy = Look at the address, or name another web server by --clock-from.

## Sockets
port-free = { $key } { $address } is free.
port-ours = { $key } { $address } is served by this server.
port-waits-database = { $key } { $address } is served by this server, which is not ready: the database does not answer it.
port-waits-database-remedy = Look at the findings on the database, and at the log of gapura serve.
port-waits-changes = { $key } { $address } is served by this server, which is not ready: the database takes no changes.
port-waits-changes-remedy = Look whether the disk of the database is full or read-only.
port-waits-redis = { $key } { $address } is served by this server, which is not ready: Redis does not answer it.
port-waits-redis-remedy = Look at the finding on Redis, and at the log of gapura serve.
port-waits-keys = { $key } { $address } is served by this server, which is not ready: signing keys are missing.
port-waits-keys-remedy = They are made within seconds; run this again. If it stays so, look at the log of gapura serve.
port-taken = { $key } { $address } is used by another program.
port-taken-remedy = Find the program with ss -ltnp and stop it, or change { $key }.
port-other-issuer = { $key } { $address } is served by another gapura, which calls itself { $issuer }.
port-other-issuer-remedy = Stop that server, or change { $key }. If it is this one, it runs with old settings: start it again.
port-refused = { $key } { $address } cannot be used: { $why }.
port-refused-remedy = Choose an address of this machine; ports below 1024 need a permission (CAP_NET_BIND_SERVICE) or a proxy such as nginx.

## Public address
public-url-ok = { $url } is reached and is this server.
public-url-not-serving = { $url } does not serve yet: the server is not running.
public-url-not-serving-remedy = Run gapura serve, then run this again.
public-url-unresolved = The name in { $url } is not found (DNS).
public-url-unresolved-remedy = Enter the name in DNS, or correct server.public_url.
public-url-unreachable = { $url } is not reached: nobody listens there.
public-url-unreachable-remedy = Look at the proxy (nginx), the firewall, and whether gapura serve runs.
public-url-no-http = { $url } does not answer in valid HTTP.
public-url-no-http-remedy = Look at what listens at that address and port.
public-url-silent = { $url } does not answer within 5 seconds.
public-url-silent-remedy = Look at the proxy (nginx) and the firewall, and at the log of gapura serve.
public-url-no-tls = { $url } opens no TLS connection.
public-url-no-tls-remedy = Give the proxy or the server a certificate, with TLS 1.2 or 1.3.
public-url-other-issuer = { $url } is answered by another gapura, which calls itself { $issuer }.
public-url-other-issuer-remedy = Set server.public_url to the address people use, or correct where the proxy leads. Applications refuse tokens of another issuer.
public-url-not-ours = { $url } is answered with status { $status }, not by gapura.
public-url-not-ours-remedy = Lead the proxy to server.listen for all paths, /.well-known/openid-configuration too.
certificate-wrong-name = The certificate at { $url } is for another name.
certificate-wrong-name-remedy = Use a certificate that holds the name of server.public_url.
certificate-ended = The certificate at { $url } has ended, or this machine's clock is wrong.
certificate-ended-remedy = Renew the certificate and reload the proxy; look at this machine's clock.
certificate-untrusted = The certificate at { $url } is not trusted by this machine.
certificate-untrusted-remedy = Use the whole chain of certificates. For an issuer of your own, name its certificate in outbound.ca_file.
certificate-ends = The certificate at { $url } ends within { $days } days.
certificate-ends-remedy = Renew it now, and mend the automatic renewal, which ought to work before the last { $limit } days.

## Nodes
nodes-ok = { $count } servers live on this database.
nodes-unshared = { $count } servers live on this database, { $alone } of them keep short-lived state in memory of their own.
nodes-unshared-remedy = Give all of them the same redis.url, or run one only.
nodes-without-redis = { $count } live servers use Redis, but these settings name no redis.url.
nodes-without-redis-remedy = Write the same redis.url as the other servers before a server is started with these settings.
nodes-in-memory = The running server keeps short-lived state in memory, but these settings name a redis.url.
nodes-in-memory-remedy = Stop that server, and start it again with these settings.

## Passwords
passwords-ok = The cost of Argon2id ({ $memory } KiB, { $iterations } passes) is enough.
passwords-cheap = The cost of Argon2id ({ $memory } KiB, { $iterations } passes) is below what OWASP recommends: stolen passwords are too cheap to guess.
passwords-cheap-remedy = Set passwords.memory_kib = 19456 and passwords.iterations = 2 or more; old hashes are renewed when people sign in.

## Clients
clients-ok = { $count } enabled clients without a weakness.
client-pkce = Client { $client } may sign in without PKCE: a stolen code can be used.
client-pkce-remedy = Update the application's library, register it under a new id (gapura client add requires PKCE unless told otherwise), then gapura client disable { $client }.
client-no-logout = Client { $client } has no logout address: who signs out stays signed in there.
client-no-logout-remedy = Ask the developer for a back-channel logout address, register the application under a new id (gapura client add --logout-uri), then gapura client disable { $client }.
client-scopes = Client { $client } may ask for every scope.
client-scopes-remedy = Data that is not needed is not shared: register the application under a new id with the scopes it uses (gapura client add --scope), then gapura client disable { $client }.
client-redirect-http = Client { $client } takes codes at { $uri } without TLS: anybody in the network can read them.
client-redirect-http-remedy = Register the application under a new id with an https address (gapura client add --redirect-uri), then gapura client disable { $client }.
client-redirect-local = Client { $client } has an address of a developer's machine, { $uri }, on a production server.
client-redirect-local-remedy = Use a test deployment for development. Register the application under a new id without that address (gapura client add), then gapura client disable { $client }.
client-secret-none = Client { $client } has no secret: it cannot prove itself.
client-secret-none-remedy = Make one with gapura client rotate-secret { $client } and hand it to the application's developer.
client-secret-ended = Every secret of client { $client } has ended: it is refused.
client-secret-ended-remedy = Make a new secret with gapura client rotate-secret { $client } and hand it to the application's developer.
client-secret-ends = The last secret of client { $client } ends within { $days } days.
client-secret-ends-remedy = Make a new one with gapura client rotate-secret { $client }: now by --grace 0, or when the old one has ended.

## Logout messages
logout-ok = Logout messages can be sent to { $count } receivers.
logout-refused = Logout address { $uri } of client { $client } may not be called: { $why }.
logout-refused-remedy = If the application does live in an inner network, list the network in outbound.allow; else correct the address.
logout-unresolved = The name in logout address { $uri } of client { $client } is not found (DNS).
logout-unresolved-remedy = Correct the address or its DNS. Meanwhile, who signs out stays signed in there.
logout-given-up = { $count } logout messages to client { $client } were given up in the last seven days. One of the errors: { $why }.
logout-given-up-remedy = Ask the developer to mend the receiver; gapura logout list shows the messages.
logout-waiting = { $count } logout messages to client { $client } failed and wait for another attempt. One of the errors: { $why }.
logout-waiting-remedy = Look whether the application runs; messages are tried again for 24 hours.
