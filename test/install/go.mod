module github.com/aistor-upgrade/aistor-upgrade/test/install

go 1.26.0

require (
	github.com/ProtonMail/go-crypto v1.4.1
	golang.org/x/sys v0.49.0
)

require (
	github.com/cloudflare/circl v1.6.2 // indirect
	golang.org/x/crypto v0.41.0 // indirect
)
