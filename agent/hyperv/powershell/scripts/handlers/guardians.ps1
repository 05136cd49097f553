# Guardians of key protectors: which there are, and the way of one with its two private keys to another host. What is found is told as a state,
# so that the agent can say what to do.

function Read-Guardians {
    [CmdletBinding()]
    param()
    [ordered]@{ guardians = [object[]] @(Get-HgsGuardian | ForEach-Object { Read-Guardian -Guardian $_ }) }
}

function Read-Guardian {
    param($Guardian)
    [ordered]@{
        name                 = "$($Guardian.Name)"
        hasPrivateKey        = [bool] $Guardian.HasPrivateSigningKey
        signingThumbprint    = Get-Thumbprint -Certificate $Guardian.SigningCertificate
        encryptionThumbprint = Get-Thumbprint -Certificate $Guardian.EncryptionCertificate
    }
}

# The WMI class has the bytes of a certificate, the cmdlets the certificate itself.
function Get-Thumbprint {
    param($Certificate)
    if ($null -eq $Certificate) { return '' }
    if ($Certificate -is [byte[]]) {
        $Certificate = New-Object -TypeName System.Security.Cryptography.X509Certificates.X509Certificate2 -ArgumentList (, $Certificate)
    }
    "$($Certificate.Thumbprint)"
}

# Letter by letter: -eq leaves characters out that have no width.
function Test-SameName {
    param([string] $One, [string] $Other)
    [string]::Equals($One, $Other, [StringComparison]::OrdinalIgnoreCase)
}

# Both certificates as PKCS #12 under a password. Changes nothing.
function Export-Guardian {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidateLength(1, 256)][string] $Name,
        [Parameter(Mandatory)][ValidatePattern('\A[A-Za-z0-9_-]{43}\z')][string] $Password
    )
    $found = @(Get-HgsGuardian | Where-Object { Test-SameName -One $_.Name -Other $Name })
    if ($found.Count -eq 0) { return [ordered]@{ state = 'absent' } }
    $guardian = Read-Guardian -Guardian $found[0]
    $signing = Find-OwnCertificate -Thumbprint $guardian.signingThumbprint
    $encryption = Find-OwnCertificate -Thumbprint $guardian.encryptionThumbprint
    if ($null -eq $signing -or $null -eq $encryption) { return [ordered]@{ state = 'no-private-keys'; guardian = $guardian } }
    $secure = ConvertTo-Secure -Text $Password
    try {
        $signingPfx = ConvertTo-Pfx -Certificate $signing -Password $secure
        $encryptionPfx = ConvertTo-Pfx -Certificate $encryption -Password $secure
    }
    catch {
        if (-not (Test-NotExportable -Exception $_.Exception)) { throw }
        return [ordered]@{ state = 'not-exportable'; guardian = $guardian }
    }
    [ordered]@{ state = 'exported'; guardian = $guardian; signingPfx = $signingPfx; encryptionPfx = $encryptionPfx }
}

# The store in which Hyper-V keeps certificates of guardians that are made or imported with private keys. It is not there before the first.
function Find-OwnCertificate {
    param([string] $Thumbprint)
    try { $certificates = @(Get-ChildItem -Path 'Cert:\LocalMachine\Shielded VM Local Certificates') }
    catch {
        if ($_.CategoryInfo.Category -ne 'ObjectNotFound') { throw }
        $certificates = @()
    }
    $certificates | Where-Object { $_.HasPrivateKey -and $_.Thumbprint -eq $Thumbprint } | Select-Object -First 1
}

function ConvertTo-Pfx {
    param($Certificate, [System.Security.SecureString] $Password)
    [Convert]::ToBase64String($Certificate.Export([System.Security.Cryptography.X509Certificates.X509ContentType]::Pfx, $Password))
}

# NTE_BAD_KEY_STATE, and NTE_NOT_SUPPORTED and NTE_PERM of providers that never give a key out, such as that of a TPM.
function Test-NotExportable {
    param([System.Exception] $Exception)
    @('0x8009000B', '0x80090029', '0x80090010') -contains ('0x{0:X8}' -f $Exception.GetBaseException().HResult)
}

function ConvertTo-Secure {
    param([string] $Text)
    $secure = New-Object -TypeName System.Security.SecureString
    foreach ($character in $Text.ToCharArray()) { $secure.AppendChar($character) }
    $secure
}

# Makes a guardian of two PKCS #12 files. One with these certificates that is here already is left as it is, and so is another of that name.
function Import-Guardian {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidateLength(1, 256)][string] $Name,
        [Parameter(Mandatory)][ValidatePattern('\A[0-9A-F]{40}\z')][string] $SigningThumbprint,
        [Parameter(Mandatory)][ValidatePattern('\A[0-9A-F]{40}\z')][string] $EncryptionThumbprint,
        [Parameter(Mandatory)][ValidateLength(1, 1024)][string] $SigningPath,
        [Parameter(Mandatory)][ValidateLength(1, 1024)][string] $EncryptionPath,
        [Parameter(Mandatory)][ValidatePattern('\A[A-Za-z0-9_-]{43}\z')][string] $Password
    )
    $all = @((Read-Guardians).guardians)
    foreach ($one in $all) {
        if (-not $one.hasPrivateKey -or $one.signingThumbprint -ne $SigningThumbprint -or $one.encryptionThumbprint -ne $EncryptionThumbprint) { continue }
        if ($null -ne (Find-OwnCertificate -Thumbprint $EncryptionThumbprint)) { return [ordered]@{ state = 'already'; guardian = $one } }
    }
    $taken = @($all | Where-Object { Test-SameName -One $_.name -Other $Name })
    if ($taken.Count -gt 0) { return [ordered]@{ state = 'name-taken'; guardian = $taken[0] } }
    $secure = ConvertTo-Secure -Text $Password
    $new = @{
        Name                          = $Name
        SigningCertificate            = $SigningPath
        SigningCertificatePassword    = $secure
        EncryptionCertificate         = $EncryptionPath
        EncryptionCertificatePassword = $secure
        # They are self-signed. A VM that is older than they last needs them all the same.
        AllowUntrustedRoot            = $true
        AllowExpired                  = $true
    }
    $null = Invoke-Afterwards { New-HgsGuardian @new }
    $made = @(Invoke-Afterwards { (Read-Guardians).guardians } | Where-Object { Test-SameName -One $_.name -Other $Name })
    if ($made.Count -ne 1) { Invoke-Afterwards { throw "Hyper-V lists $($made.Count) guardians of this name after it made one." } }
    [ordered]@{ state = 'imported'; guardian = $made[0] }
}
