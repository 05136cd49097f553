# Prints two self-signed certificates with their private keys as PKCS #12 under no password, and their thumbprints. Runs on PowerShell 7.
$made = foreach ($use in 'Signing', 'Encryption') {
    $key = [System.Security.Cryptography.RSA]::Create(2048)
    $subject = "CN=Shielded VM $use Certificate (UntrustedGuardian)"
    $hash = [System.Security.Cryptography.HashAlgorithmName]::SHA256
    $request = [System.Security.Cryptography.X509Certificates.CertificateRequest]::new($subject, $key, $hash, [System.Security.Cryptography.RSASignaturePadding]::Pkcs1)
    $request.CreateSelfSigned([DateTimeOffset]::UtcNow.AddDays(-1), [DateTimeOffset]::UtcNow.AddYears(10))
}
$pfx = [System.Security.Cryptography.X509Certificates.X509ContentType]::Pfx
ConvertTo-Json -Compress -InputObject ([ordered]@{
        signingPfx           = [Convert]::ToBase64String($made[0].Export($pfx, ''))
        encryptionPfx        = [Convert]::ToBase64String($made[1].Export($pfx, ''))
        signingThumbprint    = $made[0].Thumbprint
        encryptionThumbprint = $made[1].Thumbprint
    })
