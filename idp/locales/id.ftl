### Bahasa Indonesia: sumber. Istilah mengikuti kamus antarmuka; sapaan "Anda"; satu pikiran satu kalimat.

## Bingkai semua halaman
system-name = Sistem Masuk Tunggal
government = Pemerintah { $city }
language-nav = Bahasa
skip = Langsung ke isi
reference-label = Kode rujukan
time-label = Waktu
copy = Salin
copied = Tersalin
start-again = Mulai lagi
back-home = Ke beranda

## Masuk
sign-in-title = Masuk
sign-in-lead = Anda akan diteruskan ke <b>{ $application }</b>.
sign-in-lead-alone = Satu akun untuk semua aplikasi pemerintah daerah.
sign-in-username = NIP, NI PPPK, surel dinas, atau nama akun
sign-in-password = Kata sandi
sign-in-show = Tampilkan
sign-in-hide = Sembunyikan
sign-in-submit = Masuk
sign-in-help = Lupa kata sandi atau butuh bantuan? Hubungi <b>Service Desk Tier 1</b> perangkat daerah Anda.
sign-in-help-city = Lupa kata sandi atau butuh bantuan? Hubungi <b>Service Desk Tier 1</b> perangkat daerah Anda, atau { $help }.
sign-in-error-title-prefix = Galat: Masuk
sign-in-failed-title = NIP/surel atau kata sandi tidak cocok.
sign-in-failed-text = Periksa Caps Lock, lalu coba lagi. Setelah 5 kali gagal, percobaan berikutnya menunggu 1&nbsp;menit.
sign-in-still-failing = Jam server <b class="clock">{ $clock }</b>. Masih gagal? Sebutkan kode <code class="nw" id="reference">{ $reference }</code> kepada Service Desk Tier&nbsp;1.
sign-in-throttled-title = Terlalu banyak percobaan yang gagal.
sign-in-throttled-text = Coba lagi pada pukul <b class="nw">{ $clock }</b>. Percobaan sebelum itu tidak diperiksa dan tidak memperpanjang waktu tunggu.
sign-in-inactive-title = Akun Anda tidak aktif.
sign-in-inactive-text = Kata sandi Anda benar, tetapi akun ini tidak dapat dipakai masuk. Hubungi Service Desk Tier&nbsp;1 perangkat daerah Anda.
sign-in-again-title = Masuk sekali lagi.
sign-in-again-text = Aplikasi meminta Anda membuktikan diri kembali.

## Beranda
home-title = Anda sudah masuk
home-lead = Anda masuk sebagai <b>{ $name }</b>.
home-text = Buka aplikasi yang Anda perlukan; Anda tidak perlu mengetik kata sandi lagi sampai sesi ini berakhir.
home-since = Masuk sejak
home-until = Sesi berakhir paling lambat
home-sign-out = Keluar
home-guest-title = Selamat datang
home-guest-text = Di sini Anda masuk sekali untuk semua aplikasi pemerintah daerah. Biasanya Anda datang dari sebuah aplikasi.
home-guest-sign-in = Masuk

## Keluar
sign-out-title = Keluar
sign-out-ask = Anda masuk sebagai <b>{ $name }</b>. Keluar dari semua aplikasi di peramban ini?
sign-out-ask-client = <b>{ $application }</b> meminta Anda keluar. Anda akan keluar dari semua aplikasi di peramban ini.
sign-out-submit = Keluar
sign-out-cancel = Batal
sign-out-done-title = Anda sudah keluar
sign-out-done-text = Aplikasi yang Anda buka dari peramban ini sedang diberi tahu. Di komputer bersama, tutup peramban.
sign-out-sign-in = Masuk lagi
sign-out-back = Kembali ke { $application }

## Penolakan di pintu aplikasi
refusal-owner = { $application } · milik { $owner }
refusal-title = Anda belum memiliki peran di aplikasi ini
refusal-title-account = Akun Anda belum dapat memasuki aplikasi ini
refusal-lead = Anda sudah masuk sebagai <b>{ $name }</b>. Yang belum ada hanya perannya.
refusal-lead-account = Anda sudah masuk sebagai <b>{ $name }</b>.
refusal-why = Mengapa
refusal-checked = Diperiksa { $clock }
refusal-posts = Jabatan Anda
refusal-no-post = Tidak ada jabatan yang sedang berlaku
refusal-roles = Peran diberikan kepada
refusal-no-roles = Belum ada aturan. Selama kosong, tidak ada yang dapat masuk.
refusal-by-grant = hanya dengan pemberian langsung
refusal-grants = Pemberian langsung
refusal-no-grants = Tidak ada atas nama Anda
refusal-status = Status akun
refusal-rest-text = Selama cuti di luar tanggungan negara atau tugas belajar, peran dari jabatan tidak berlaku
refusal-validity-text = Akun ini berada di luar masa berlakunya
refusal-status-text = Akun ini sedang tidak aktif
refusal-help = Baru dimutasi? Peran baru berlaku mulai TMT pukul 00.00. Bila keliru, sebutkan kode rujukan kepada Service Desk Tier&nbsp;1 perangkat daerah Anda.
refusal-help-owner = Baru dimutasi? Peran baru berlaku mulai TMT pukul 00.00. Bila keliru, sebutkan kode rujukan kepada <b>{ $owner }</b> sebagai pemilik aplikasi, atau kepada Service Desk Tier&nbsp;1 perangkat daerah Anda.
refusal-back = Kembali ke aplikasi
refusal-other-account = Keluar dan ganti akun

rule-everyone = semua pegawai
rule-all-units = semua perangkat daerah
rule-positions = { $list }
rule-kinds = { $list }
rule-eselon = pejabat eselon { $list }
rule-golongan = golongan { $list }
rule-within = di { $unit }
rule-unit-kinds = unit { $list }
rule-starting-with = { $start }…
rule-acting = sebagai { $list }
list-or = atau
kind-asn_pns = PNS
kind-asn_cpns = CPNS
kind-asn_pppk = PPPK
kind-asn_pppk_paruh_waktu = PPPK paruh waktu
kind-pejabat_negara = pejabat negara
kind-dprd = anggota DPRD
kind-non_asn = tenaga non-ASN
kind-vendor = penyedia
kind-service = layanan
capacity-definitif = definitif
capacity-plt = Plt.
capacity-plh = Plh.
capacity-pj = Pj.

## Antrean
queue-title = Layanan sedang padat, Anda dalam antrean
queue-lead = Halaman ini membuka formulir masuk kembali begitu ada giliran. Kata sandi Anda tidak disimpan; ketik sekali lagi saat itu.
queue-wait = Perkiraan tunggu
queue-seconds = detik
queue-ahead = Di depan Anda
queue-people = { $count } orang
queue-arrived = Anda tiba
queue-code = Kode antrean
queue-refresh = Formulir dibuka
queue-refresh-text = dalam { $seconds } detik
queue-note = Catat kode antrean bila presensi Anda terlambat karena menunggu; kode ini menunjuk catatan server.
queue-now = Coba sekarang

## Tautan sekali pakai
link-title = Atur kata sandi
link-lead = Untuk akun <b>{ $name }</b>. Tautan ini berlaku sekali.
link-new = Kata sandi baru
link-hint = Paling sedikit { $shortest } karakter. Beberapa kata lebih mudah diingat daripada satu kata rumit.
link-repeat = Ulangi kata sandi baru
link-submit = Simpan kata sandi
link-short = Kata sandi terlalu pendek: paling sedikit { $shortest } karakter.
link-long = Kata sandi terlalu panjang: paling banyak 256 karakter.
link-control = Kata sandi berisi karakter yang tidak dapat diketik.
link-differs = Kedua isian tidak sama. Ketik kata sandi yang sama dua kali.
link-done-title = Kata sandi tersimpan
link-done-text = Tautan tadi tidak berlaku lagi. Masuklah dengan kata sandi baru Anda.

## Galat
error-title-prefix = Galat
error-help = Bila perlu bantuan, sebutkan kode rujukan ini kepada Service Desk Tier&nbsp;1 perangkat daerah Anda.
error-other-title = Permintaan ini tidak dapat dilayani
error-other-text = Kembali ke aplikasi Anda, lalu coba lagi.
error-invalid_request-title = Permintaan dari aplikasi tidak lengkap
error-invalid_request-text = Aplikasi mengirim permintaan masuk yang tidak dapat dibaca. Ini bukan kesalahan Anda; beri tahu pengelola aplikasinya.
error-unknown_client-title = Aplikasi ini tidak terdaftar
error-unknown_client-text = Aplikasi yang mengirim Anda ke sini belum terdaftar, atau sudah dinonaktifkan. Beri tahu pengelola aplikasinya.
error-client_disabled-title = Aplikasi ini sedang dinonaktifkan
error-client_disabled-text = Pengelola menonaktifkan jalan masuk aplikasi ini. Beri tahu pengelola aplikasinya bila Anda memerlukannya.
error-redirect_uri_mismatch-title = Alamat kembali tidak terdaftar
error-redirect_uri_mismatch-text = Aplikasi meminta kami meneruskan Anda ke alamat yang tidak terdaftar. Demi keamanan, kami tidak meneruskan Anda. Beri tahu pengelola aplikasinya.
error-post_logout_redirect_uri_mismatch-title = Alamat setelah keluar tidak terdaftar
error-post_logout_redirect_uri_mismatch-text = Aplikasi meminta kami meneruskan Anda ke alamat yang tidak terdaftar. Demi keamanan, kami tidak meneruskan Anda.
error-invalid_hint-title = Permintaan keluar ini tidak dapat dipercaya
error-invalid_hint-text = Tanda pengenal yang dikirim aplikasi bukan untuk sesi Anda. Anda belum keluar.
error-interaction_expired-title = Halaman telah kedaluwarsa
error-interaction_expired-text = Permintaan masuk ini sudah lewat 10 menit, atau sudah selesai. Mulai lagi dari aplikasinya.
error-foreign_post-title = Formulir ini tidak berasal dari halaman kami
error-foreign_post-text = Demi keamanan, isian dari halaman lain tidak diterima. Buka kembali halaman masuk, lalu coba lagi.
error-too_large-title = Isian terlalu besar
error-too_large-text = Yang dikirim melebihi batas halaman ini. Kembali, lalu isi lebih singkat.
error-not_found-title = Halaman tidak ditemukan
error-not_found-text = Alamat ini tidak ada. Periksa ejaannya, atau buka dari aplikasi Anda.
error-method_not_allowed-title = Alamat ini tidak dipakai dengan cara itu
error-method_not_allowed-text = Kembali ke aplikasi Anda, lalu coba lagi.
error-link_invalid-title = Tautan tidak berlaku
error-link_invalid-text = Tautan ini sudah dipakai, sudah lewat 24 jam, atau tidak lengkap. Minta tautan baru kepada pengelola server.
error-server_error-title = Terjadi gangguan pada layanan
error-server_error-text = Kesalahan ada pada kami dan sudah tercatat. Coba lagi sebentar lagi.
error-temporarily_unavailable-title = Layanan sedang tidak tersedia
error-temporarily_unavailable-text = Penyimpanan kami belum menjawab. Tidak ada yang hilang; coba lagi dalam satu menit.
