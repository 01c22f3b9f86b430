### Bahasa Indonesia: yang ditemukan gapura doctor. Tiap kode punya sebab, dan bila tidak baik, obatnya.

## Semua pemeriksaan
timed-out = Pemeriksaan tidak selesai dalam { $seconds } detik.
timed-out-remedy = Sesuatu yang ditanya tidak menjawab. Periksa jaringan dan server yang terkait, lalu jalankan lagi.
not-read = Basis data tidak dapat dibaca: { $why }.
not-read-remedy = Periksa basis data itu dan lognya, lalu jalankan lagi.

## Pengaturan
settings-ok = Pengaturan dari { $file } dapat dipakai.
settings-default = Tanpa berkas pengaturan: nilai bawaan dan variabel GAPURA__… dapat dipakai.
settings-invalid = Pengaturan tidak dapat dipakai: { $why }.
settings-invalid-remedy = Perbaiki baris atau variabel yang disebut. Daftar semua kunci: gapura settings, atau docs/operations.md.
settings-ca-file = Sertifikat tambahan tidak dapat dipakai: { $why }.
settings-ca-file-remedy = Perbaiki outbound.ca_file: sebuah berkas PEM yang dapat dibaca dan berisi sertifikat.

## Basis data
database-ok = Basis data { $place } menjawab.
database-missing = Basis data { $place } belum ada.
database-missing-remedy = Pada penempatan baru itu wajar: gapura serve membuatnya. Jika seharusnya ada, perbaiki database.path atau pulihkan cadangan dengan gapura restore.
database-url = database.url bukan alamat PostgreSQL yang sah.
database-url-remedy = Tulis sebagai postgres://pengguna:sandi@host:5432/basisdata. Tanda khusus dalam sandi ditulis dengan %XX.
database-unreadable = Basis data { $place } tidak dapat dibaca: { $why }.
database-unreadable-remedy = Jalankan sebagai pemilik berkas itu, atau perbaiki pemilik dan izinnya.
database-not-sqlite = { $place } bukan basis data SQLite.
database-not-sqlite-remedy = Perbaiki database.path. Jika berkasnya rusak, singkirkan lalu pulihkan cadangan dengan gapura restore.
database-login = PostgreSQL menolak pengguna atau kata sandi dalam database.url.
database-login-remedy = Perbaiki kata sandi dalam database.url atau database.url_file, atau aturan pg_hba.conf untuk pengguna itu.
database-absent = PostgreSQL tidak punya basis data dengan nama dalam database.url.
database-absent-remedy = Buat: createdb --template=template0 --encoding=UTF8 --lc-collate=C --lc-ctype=C NAMA, lalu gapura migrate.
database-unreachable = PostgreSQL tidak menjawab: { $why }.
database-unreachable-remedy = Periksa apakah PostgreSQL berjalan, serta host, port, dan tembok api dalam database.url.
schema-ok = Skema { $needed } cocok dengan versi ini.
schema-older = Basis data ada pada skema { $found }, versi ini memerlukan { $needed }.
schema-older-remedy = Buat cadangan, lalu jalankan gapura migrate sebelum gapura serve.
schema-older-file = Basis data ada pada skema { $found }, versi ini memerlukan { $needed }; mulai berikutnya memutakhirkannya sendiri.
schema-older-file-remedy = Buat cadangan dengan gapura backup sebelum menjalankan versi ini.
schema-newer = Basis data ada pada skema { $found }, lebih baru daripada { $needed } yang dikenal versi ini.
schema-newer-remedy = Pakai gapura versi yang lebih baru, atau pulihkan cadangan dari sebelum pemutakhiran.
schema-foreign = Riwayat skema berbeda: migrasi { $name } bukan yang dikenal versi ini.
schema-foreign-remedy = Ini basis data milik program atau rilis lain. Periksa database.url atau database.path.
collation-ok = Teks diurutkan menurut bita.
collation-wrong = Basis data memakai pengodean { $encoding } dan kolasi { $collation }; teks harus diurutkan menurut bita.
collation-wrong-remedy = Buat basis data baru dengan --template=template0 --encoding=UTF8 --lc-collate=C --lc-ctype=C, lalu pindahkan isinya dengan pg_dump dan pg_restore.
zone-ok = Zona waktu { $set }.
zone-differs = Basis data dibuat dengan zona { $stored }, pengaturan menyebut { $set }.
zone-differs-remedy = Kembalikan city.zone ke { $stored }: zona ditetapkan saat mulai pertama dan tidak dapat diubah.

## Redis
redis-none = Tanpa Redis: keadaan singkat ada di memori, cukup untuk satu node.
redis-ok = Redis menjawab, tidak membuang apa pun, dan mencatat setiap perubahan.
redis-ok-forgets = Redis menjawab dan tidak membuang apa pun. Ia tidak mencatat ke cakram: bila Redis mati, orang yang sedang masuk mengulang dari awal.
redis-url = redis.url bukan alamat Redis yang sah.
redis-url-remedy = Tulis sebagai redis://:sandi@host:6379/0, rediss:// untuk TLS, atau unix:///jalan/ke/soket.
redis-login = Redis menolak pengguna atau kata sandi, atau memerlukannya.
redis-login-remedy = Perbaiki kata sandi dalam redis.url atau redis.url_file.
redis-unreachable = Redis tidak menjawab: { $why }.
redis-unreachable-remedy = Periksa apakah Redis berjalan, serta host, port, dan tembok api dalam redis.url.
redis-evicts = Redis memakai maxmemory-policy { $policy }: tanda kode yang sudah terpakai dapat dibuang, sehingga kode itu dapat dipakai ulang.
redis-evicts-remedy = Jalankan redis-cli CONFIG SET maxmemory-policy noeviction dan tulis hal yang sama di redis.conf.

## Kunci akar
root-key-ok = Kunci akar { $file } cocok dan hanya untuk pemiliknya.
root-key-none-yet = Kunci akar { $file } belum ada; mulai pertama membuatnya.
root-key-missing = Kunci akar { $file } tidak ada, padahal basis data ini memerlukan kunci bernama { $needed }.
root-key-missing-remedy = Kembalikan berkas itu dari salinannya, atau sebut tempatnya dengan keys.root_file. Tanpa kunci itu, semua kunci lain hilang.
root-key-unreadable = Kunci akar { $file } tidak dapat dibaca: { $why }.
root-key-unreadable-remedy = Jalankan sebagai pemilik berkas itu, atau perbaiki pemiliknya.
root-key-readable = Kunci akar { $file } dapat dibaca pihak lain (izin { $mode }).
root-key-readable-remedy = Jalankan chmod 600 { $file }. Bila orang lain mungkin sudah membacanya, ganti kunci akar dengan gapura keys rewrap, lalu kunci penanda tangan dengan gapura keys rotate --now.
root-key-malformed = { $file } bukan kunci akar: isinya harus 32 bita dalam base64url.
root-key-malformed-remedy = Kembalikan berkas itu dari salinannya, atau sebut tempat yang benar dengan keys.root_file.
root-key-wrong = Kunci akar { $file } bernama { $found }, sedangkan basis data ini memerlukan { $needed }.
root-key-wrong-remedy = Pasang kunci akar yang dibuat bersama basis data ini. Cadangan dipulihkan bersama kunci pada zamannya.

## Berkas
files-ok = Berkas yang berisi rahasia atau data orang hanya untuk pemiliknya.
file-readable = { $file } dapat dibaca pihak lain (izin { $mode }).
file-readable-remedy = Jalankan chmod 600 { $file }.
folder-writable = Semua pengguna dapat menulis di { $file } (izin { $mode }) dan dengan begitu mengganti kunci akar.
folder-writable-remedy = Jalankan chmod o-w { $file }.
disk-ok = { $folder }: { $free } MiB bebas dari { $total } MiB.
disk-low = { $folder }: tinggal { $free } MiB bebas dari { $total } MiB.
disk-low-remedy = Kosongkan atau perbesar cakram sebelum tinggal 100 MiB.
disk-full = { $folder }: tinggal { $free } MiB bebas dari { $total } MiB. Bila habis, tidak ada yang dapat masuk.
disk-full-remedy = Kosongkan cakram sekarang: log dan cadangan lama lebih dahulu, jangan gapura.db atau gapura.db-wal.
disk-unknown = Ruang cakram { $folder } tidak diketahui: { $why }.
disk-unknown-remedy = Periksa apakah folder itu ada dan dapat dibaca.

## Jam
clock-ok = Jam cocok dengan jam { $source }.
clock-off = Jam mesin ini berbeda { $seconds } detik dari jam { $source }.
clock-off-remedy = Nyalakan sinkronisasi waktu (chrony atau systemd-timesyncd) di kedua mesin; periksa dengan timedatectl.
clock-far = Jam mesin ini berbeda { $seconds } detik dari jam { $source }. Token dan sesi berakhir pada saat yang salah.
clock-far-remedy = Nyalakan sinkronisasi waktu (chrony atau systemd-timesyncd) di kedua mesin, dan jangan layani siapa pun sebelum jam cocok.
clock-behind = Jam mesin ini { $seconds } detik di belakang kejadian terbaru dalam basis data.
clock-behind-remedy = Jam ini mundur, atau jam node lain terlalu maju. Nyalakan sinkronisasi waktu, lalu mulai kembali.
clock-ahead-of-events = Jam tidak di belakang kejadian terbaru dalam basis data.
clock-unknown = { $source } tidak memberi tahu waktu (tajuk Date).
clock-unknown-remedy = Periksa alamat itu, atau sebut server web lain dengan --clock-from.

## Soket
port-free = { $key } { $address } bebas.
port-ours = { $key } { $address } dilayani server ini.
port-waits-database = { $key } { $address } dilayani server ini, yang belum siap: basis data tidak menjawabnya.
port-waits-database-remedy = Periksa temuan tentang basis data, dan log gapura serve.
port-waits-changes = { $key } { $address } dilayani server ini, yang belum siap: basis data tidak menerima perubahan.
port-waits-changes-remedy = Periksa apakah cakram basis data penuh atau hanya dapat dibaca.
port-waits-redis = { $key } { $address } dilayani server ini, yang belum siap: Redis tidak menjawabnya.
port-waits-redis-remedy = Periksa temuan tentang Redis, dan log gapura serve.
port-waits-keys = { $key } { $address } dilayani server ini, yang belum siap: kunci penanda tangan belum ada.
port-waits-keys-remedy = Kunci itu selesai dalam beberapa detik; jalankan lagi. Bila tetap begitu, periksa log gapura serve.
port-taken = { $key } { $address } dipakai program lain.
port-taken-remedy = Cari programnya dengan ss -ltnp, hentikan, atau ubah { $key }.
port-other-issuer = { $key } { $address } dilayani gapura lain, yang menyebut dirinya { $issuer }.
port-other-issuer-remedy = Hentikan server itu, atau ubah { $key }. Bila itu server ini, ia berjalan dengan pengaturan lama: mulai kembali.
port-refused = { $key } { $address } tidak dapat dipakai: { $why }.
port-refused-remedy = Pilih alamat milik mesin ini; port di bawah 1024 memerlukan izin (CAP_NET_BIND_SERVICE) atau perantara seperti nginx.

## Alamat publik
public-url-ok = { $url } terjangkau dan benar server ini.
public-url-not-serving = { $url } belum melayani: server belum berjalan.
public-url-not-serving-remedy = Jalankan gapura serve, lalu jalankan pemeriksaan ini lagi.
public-url-unresolved = Nama dalam { $url } tidak ditemukan (DNS).
public-url-unresolved-remedy = Daftarkan nama itu di DNS, atau perbaiki server.public_url.
public-url-unreachable = { $url } tidak terjangkau: tidak ada yang mendengarkan di sana.
public-url-unreachable-remedy = Periksa perantara (nginx), tembok api, dan apakah gapura serve berjalan.
public-url-no-http = { $url } tidak menjawab dengan HTTP yang sah.
public-url-no-http-remedy = Periksa apa yang mendengarkan di alamat dan port itu.
public-url-silent = { $url } tidak menjawab dalam 5 detik.
public-url-silent-remedy = Periksa perantara (nginx) dan tembok api; lihat log gapura serve.
public-url-no-tls = { $url } tidak dapat membuka sambungan TLS.
public-url-no-tls-remedy = Pasang sertifikat pada perantara atau server, dengan TLS 1.2 atau 1.3.
public-url-other-issuer = { $url } dijawab gapura lain, yang menyebut dirinya { $issuer }.
public-url-other-issuer-remedy = Samakan server.public_url dengan alamat yang dipakai orang, atau perbaiki arah perantara. Aplikasi menolak token dengan penerbit lain.
public-url-not-ours = { $url } dijawab dengan status { $status }, bukan oleh gapura.
public-url-not-ours-remedy = Arahkan perantara ke server.listen untuk semua jalan, juga /.well-known/openid-configuration.
certificate-wrong-name = Sertifikat di { $url } untuk nama lain.
certificate-wrong-name-remedy = Pasang sertifikat yang memuat nama dalam server.public_url.
certificate-ended = Sertifikat di { $url } sudah berakhir, atau jam mesin ini salah.
certificate-ended-remedy = Perbarui sertifikat dan muat ulang perantara; periksa jam mesin ini.
certificate-untrusted = Sertifikat di { $url } tidak dipercaya mesin ini.
certificate-untrusted-remedy = Pasang rantai sertifikat yang lengkap. Untuk penerbit milik sendiri, sebut sertifikatnya dalam outbound.ca_file.
certificate-ends = Sertifikat di { $url } berakhir dalam { $days } hari.
certificate-ends-remedy = Perbarui sekarang; perbaiki pembaruan otomatis, yang seharusnya bekerja sebelum { $limit } hari terakhir.

## Node
nodes-ok = { $count } server hidup pada basis data ini.
nodes-unshared = { $count } server hidup pada basis data ini, { $alone } di antaranya menyimpan keadaan singkat di memori sendiri.
nodes-unshared-remedy = Beri semuanya redis.url yang sama, atau jalankan satu saja.
nodes-without-redis = { $count } server hidup memakai Redis, sedangkan pengaturan ini tidak menyebut redis.url.
nodes-without-redis-remedy = Tulis redis.url yang sama dengan server lain sebelum memulai server dengan pengaturan ini.
nodes-in-memory = Server yang berjalan menyimpan keadaan singkat di memori, sedangkan pengaturan ini menyebut redis.url.
nodes-in-memory-remedy = Hentikan server itu lalu mulai kembali dengan pengaturan ini.

## Kata sandi
passwords-ok = Biaya Argon2id ({ $memory } KiB, { $iterations } putaran) cukup.
passwords-cheap = Biaya Argon2id ({ $memory } KiB, { $iterations } putaran) di bawah anjuran OWASP: kata sandi yang dicuri terlalu murah ditebak.
passwords-cheap-remedy = Setel passwords.memory_kib = 19456 dan passwords.iterations = 2 atau lebih; kata sandi lama diperbarui saat orangnya masuk.

## Klien
clients-ok = { $count } klien aktif tanpa kelemahan.
client-pkce = Klien { $client } boleh masuk tanpa PKCE: kode yang dicuri dapat dipakai.
client-pkce-remedy = Perbarui pustaka aplikasinya, daftarkan dengan id baru (gapura client add mewajibkan PKCE bila tidak diminta lain), lalu gapura client disable { $client }.
client-no-logout = Klien { $client } tidak punya alamat keluar: orang yang keluar tetap masuk di sana.
client-no-logout-remedy = Minta pengembang menyediakan alamat back-channel logout, daftarkan aplikasinya dengan id baru (gapura client add --logout-uri), lalu gapura client disable { $client }.
client-scopes = Klien { $client } boleh meminta semua cakupan data.
client-scopes-remedy = Data yang tidak diperlukan tidak dibagikan: daftarkan aplikasinya dengan id baru dan hanya cakupan yang dipakai (gapura client add --scope), lalu gapura client disable { $client }.
client-redirect-http = Klien { $client } menerima kode di { $uri } tanpa TLS: siapa pun di jaringan dapat membacanya.
client-redirect-http-remedy = Daftarkan aplikasinya dengan id baru dan alamat https (gapura client add --redirect-uri), lalu gapura client disable { $client }.
client-redirect-local = Klien { $client } punya alamat komputer pengembang { $uri } pada server produksi.
client-redirect-local-remedy = Pakai penempatan uji untuk pengembangan. Daftarkan aplikasinya dengan id baru tanpa alamat itu (gapura client add), lalu gapura client disable { $client }.
client-secret-none = Klien { $client } tidak punya rahasia: ia tidak dapat membuktikan diri.
client-secret-none-remedy = Buatkan dengan gapura client rotate-secret { $client } dan serahkan kepada pengembang aplikasi.
client-secret-ended = Semua rahasia klien { $client } sudah berakhir: ia ditolak.
client-secret-ended-remedy = Buatkan rahasia baru dengan gapura client rotate-secret { $client } dan serahkan kepada pengembang aplikasi.
client-secret-ends = Rahasia terakhir klien { $client } berakhir dalam { $days } hari.
client-secret-ends-remedy = Buatkan yang baru dengan gapura client rotate-secret { $client }: sekarang dengan --grace 0, atau setelah yang lama berakhir.

## Pesan keluar
logout-ok = Pesan keluar dapat dikirim ke { $count } penerima.
logout-refused = Alamat keluar { $uri } milik klien { $client } tidak boleh dituju: { $why }.
logout-refused-remedy = Bila aplikasi itu memang ada di jaringan dalam, sebut jaringannya dalam outbound.allow; selain itu perbaiki alamatnya.
logout-unresolved = Nama dalam alamat keluar { $uri } milik klien { $client } tidak ditemukan (DNS).
logout-unresolved-remedy = Perbaiki alamat itu atau DNS-nya. Selama itu, orang yang keluar tetap masuk di sana.
logout-given-up = { $count } pesan keluar kepada klien { $client } gagal terkirim selama tujuh hari terakhir. Salah satu sebabnya: { $why }.
logout-given-up-remedy = Minta pengembang memperbaiki penerimanya; gapura logout list menunjukkan pesannya.
logout-waiting = { $count } pesan keluar kepada klien { $client } gagal dan menunggu dicoba lagi. Salah satu sebabnya: { $why }.
logout-waiting-remedy = Periksa apakah aplikasi itu berjalan; pesan dicoba lagi sampai 24 jam.
