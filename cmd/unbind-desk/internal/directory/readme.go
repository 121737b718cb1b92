package directory

const readme = `This directory is one desk. It was made by "unbind-desk init".

anchor.txt      digest of trust bundle version 1. Compare it out of band with
                what a terminal shows when it enrols.
trust.json      the first trust bundle, in a JSON array. Later ones are published
                to the desk; every exported case has all of them.
profiles/       the signed profiles that commands name.
pub/            every public key, SubjectPublicKeyInfo in PEM; the file name is
                the key id with _ for the colon.
keys/           the private keys of this demonstration, PKCS8 in PEM:
                  root-1 root-2 root-3   sign trust bundles
                  ops-1 ops-2            role operations
                  sec-1                  role security
                  rel-1                  role release
                  cust-1                 role custodian: counts backups again, validates certificates
                  receipt-1              signs receipts and time   (the desk reads it)
                  enrol-1                signs tickets, bindings   (the desk reads it)
                  reader-1               signs the reader's erase tickets
                  recipient.key          age identity of set rcp-demo, opens backups
                                         (the desk reads it)
                Outside a demonstration only receipt-1, enrol-1 and recipient.key
                are here; every other key stays with the person it belongs to,
                or one machine can do alone what takes several people.
ca/             the private CA: ca.pem, ca.key.
tls/            desk.pem desk.key          what the desk shows
                tickets.pem tickets.key    the ticket signer's client certificate
                mqtt.pem mqtt.key          what the desk shows to a broker
desk.db         cases, objects, receipts, log, enrolments. It holds the readers'
                pairing keys until their terminals have them: keep it private.
ballast         room on the disk that "unbind-desk serve" keeps back; it comes
                and goes by itself.
blobs/          sealed backups, named by their SHA-256.
desk.sock       there while "unbind-desk serve" runs; its operator's door.

Save it while the desk is stopped: cp -a of the whole directory.
`
