Set-StrictMode -Version 2

function Get-HgsGuardian {
    [CmdletBinding()]
    param([Parameter(Position = 1, ValueFromPipelineByPropertyName)][string[]] $Name)
    if ($Name) { throw 'The stand-in lists all guardians.' }
    # Of another host: its certificates are known here, its private keys are not.
    [pscustomobject] @{ Name = 'of-another-host'; HasPrivateSigningKey = $false }
    $guardians = (Invoke-StandInService -Command 'host').facts.guardians
    if (-not $guardians.known) { throw $guardians.why }
    foreach ($one in $guardians.value) { [pscustomobject] @{ Name = $one; HasPrivateSigningKey = $true } }
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
    [pscustomobject] @{ Owner = [pscustomobject] @{ Name = [System.Text.Encoding]::UTF8.GetString($Bytes) } }
}
