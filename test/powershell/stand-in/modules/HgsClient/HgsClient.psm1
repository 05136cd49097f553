Set-StrictMode -Version 2

function Get-HgsGuardian {
    [CmdletBinding()]
    param([Parameter(Position = 1, ValueFromPipelineByPropertyName)][string[]] $Name)
    if ($Name) { throw 'The stand-in lists all guardians.' }
    $guardians = (Invoke-StandInService -Command 'host').facts.guardians
    if (-not $guardians.known) { throw $guardians.why }
    # Of another host: its certificates are known here, its private keys are not.
    New-StandInGuardian -Name 'of-another-host' -HasKey $false
    foreach ($one in $guardians.value) { New-StandInGuardian -Name $one.name -HasKey $true }
    foreach ($one in @(Get-Kept)) { ConvertTo-Guardian -Kept $one }
}

# Those of a simulated host have no certificates; their names stand in place of what certificates are known by.
function New-StandInGuardian {
    param([string] $Name, [bool] $HasKey)
    $certificate = [pscustomobject] @{ Thumbprint = $Name }
    [pscustomobject] @{ Name = $Name; HasPrivateSigningKey = $HasKey; SigningCertificate = $certificate; EncryptionCertificate = $certificate }
}

# Those that the stand-in keeps with their keys.
function Get-Kept { Invoke-StandInService -Command 'guardians' | Where-Object { $null -ne $_ } }

function ConvertTo-Guardian {
    param($Kept)
    $signing = Open-Pfx -Base64 $Kept.signingPfx
    [pscustomobject] @{
        Name                  = $Kept.name
        HasPrivateSigningKey  = $Kept.hasKeys
        SigningCertificate    = $signing
        # As the WMI class has it.
        EncryptionCertificate = [byte[]] (Open-Pfx -Base64 $Kept.encryptionPfx).RawData
    }
}

function Open-Pfx {
    param([string] $Base64)
    [System.Security.Cryptography.X509Certificates.X509Certificate2]::new([Convert]::FromBase64String($Base64), '', 'Exportable')
}

# The set that takes files alone.
function New-HgsGuardian {
    [CmdletBinding(SupportsShouldProcess, PositionalBinding = $false)]
    param(
        [Parameter(Mandatory, Position = 1, ValueFromPipeline, ParameterSetName = 'AcceptCertificates')][string] $Name,
        [Parameter(Mandatory, ParameterSetName = 'AcceptCertificates')][string] $SigningCertificate,
        [Parameter(ParameterSetName = 'AcceptCertificates')][securestring] $SigningCertificatePassword,
        [Parameter(Mandatory, ParameterSetName = 'AcceptCertificates')][string] $EncryptionCertificate,
        [Parameter(ParameterSetName = 'AcceptCertificates')][securestring] $EncryptionCertificatePassword,
        [Parameter(ParameterSetName = 'AcceptCertificates')][switch] $AllowExpired,
        [Parameter(ParameterSetName = 'AcceptCertificates')][switch] $AllowUntrustedRoot
    )
    if (-not $AllowUntrustedRoot) { throw 'The certificates are self-signed.' }
    $all = [System.Security.Cryptography.X509Certificates.X509ContentType]::Pfx
    $signing = [System.Security.Cryptography.X509Certificates.X509Certificate2]::new($SigningCertificate, $SigningCertificatePassword, 'Exportable')
    $encryption = [System.Security.Cryptography.X509Certificates.X509Certificate2]::new($EncryptionCertificate, $EncryptionCertificatePassword, 'Exportable')
    $guardian = @{
        name          = $Name
        hasKeys       = $signing.HasPrivateKey -and $encryption.HasPrivateKey
        isExportable  = $true
        signingPfx    = [Convert]::ToBase64String($signing.Export($all, ''))
        encryptionPfx = [Convert]::ToBase64String($encryption.Export($all, ''))
    }
    [void] (Invoke-StandInService -Command 'add-guardian' -With $guardian)
    ConvertTo-Guardian -Kept ([pscustomobject] $guardian)
}

# Not of this module, but of the same Windows: the store of certificates in which guardians have their keys. Everything else is as it was.
function Get-ChildItem {
    [CmdletBinding(PositionalBinding = $false)]
    param([string] $Path)
    if ($Path -notlike 'Cert:*') { return Microsoft.PowerShell.Management\Get-ChildItem -Path $Path }
    $kept = @(Get-Kept | Where-Object { $_.hasKeys })
    if ($Path -ne 'Cert:\LocalMachine\Shielded VM Local Certificates' -or $kept.Count -eq 0) {
        $exception = [System.Management.Automation.ItemNotFoundException]::new("Cannot find path '$Path' because it does not exist.")
        throw [System.Management.Automation.ErrorRecord]::new($exception, 'PathNotFound', 'ObjectNotFound', $Path)
    }
    foreach ($one in $kept) {
        foreach ($pfx in $one.signingPfx, $one.encryptionPfx) {
            $certificate = Open-Pfx -Base64 $pfx
            if (-not $one.isExportable) { Get-LockedCertificate -Certificate $certificate } else { $certificate }
        }
    }
}

# NTE_BAD_KEY_STATE, as Windows says it of a key that is not to leave.
function Get-LockedCertificate {
    param($Certificate)
    $locked = [pscustomobject] @{ Thumbprint = $Certificate.Thumbprint; HasPrivateKey = $true }
    $refusal = { throw [System.Security.Cryptography.CryptographicException]::new(-2146893813) }
    Add-Member -InputObject $locked -MemberType ScriptMethod -Name Export -Value $refusal -PassThru
}

function Get-HgsClientConfiguration {
    [CmdletBinding(PositionalBinding = $false)]
    param([int] $ThrottleLimit)
    if ($ThrottleLimit) { throw 'The stand-in asks nobody side by side.' }
    $attested = (Invoke-StandInService -Command 'host').facts.attestedBy
    if (-not $attested.known) { throw $attested.why }
    [pscustomobject] @{ IsHostGuarded = $null -ne $attested.value; AttestationServerUrl = $attested.value }
}

function ConvertTo-HgsKeyProtector {
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 1)][byte[]] $Bytes)
    $name = [System.Text.Encoding]::UTF8.GetString($Bytes)
    $kept = @(Get-Kept | Where-Object { $_.name -eq $name })
    $owner = if ($kept.Count -eq 0) { New-StandInGuardian -Name $name -HasKey $false } else { ConvertTo-Guardian -Kept $kept[0] }
    [pscustomobject] @{ Owner = $owner }
}
