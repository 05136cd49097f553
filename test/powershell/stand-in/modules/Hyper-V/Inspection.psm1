# What is looked at before a move.

Set-StrictMode -Version 2
Import-Module (Join-Path -Path $PSScriptRoot -ChildPath '../service.psm1')

function Get-VMHostSupportedVersion {
    [CmdletBinding()]
    param([Parameter(Position = 0, ParameterSetName = 'ComputerName')][string[]] $ComputerName)
    if ($ComputerName) { throw 'The stand-in is one host.' }
    foreach ($version in @(Get-Told -Fact (Invoke-StandInService -Command 'host').facts.configurationVersions) + '255.0') {
        [pscustomobject] @{ Name = "Version $version"; Version = [version] $version; IsDefault = $false }
    }
}

function Get-VMMigrationNetwork {
    [CmdletBinding()]
    param([Parameter(Position = 0)][string[]] $Subnet)
    foreach ($one in @(Get-Told -Fact (Invoke-StandInService -Command 'host').facts.migrationNetworks)) {
        if (-not $Subnet -or $Subnet -contains $one) { [pscustomobject] @{ Subnet = $one; Priority = 1 } }
    }
}

function Get-VMNetworkAdapterVlan {
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0, ParameterSetName = 'ResourceObject')][object[]] $VMNetworkAdapter)
    foreach ($one in $VMNetworkAdapter) {
        $network = Get-Told -Fact (Get-Hardware -Id $one.VMId).network
        $mode = if ($null -eq $network.vlanId) { 'Untagged' } else { 'Access' }
        [pscustomobject] @{ OperationMode = $mode; AccessVlanId = [int] $network.vlanId }
    }
}

function Get-VMProcessor {
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM)
    foreach ($one in $VM) {
        $hardware = Get-Hardware -Id $one.Id
        [pscustomobject] @{
            CompatibilityForMigrationEnabled = (Get-Told -Fact $hardware.processor).compatibilityMode
            ExposeVirtualizationExtensions   = Get-Told -Fact $hardware.runsNestedVms
        }
    }
}

function Get-VMDvdDrive {
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM)
    foreach ($one in $VM) {
        [pscustomobject] @{ ControllerNumber = 1; ControllerLocation = 0; Path = $null }
        foreach ($medium in @(Get-Told -Fact (Get-Hardware -Id $one.Id).media)) {
            if ($medium.drive -notmatch '\Advd-(\d)-(\d)\z') { continue }
            [pscustomobject] @{ ControllerNumber = [int] $Matches[1]; ControllerLocation = [int] $Matches[2]; Path = $medium.path }
        }
    }
}

function Get-VMFloppyDiskDrive {
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM)
    foreach ($one in $VM) {
        if ($one.Generation -ne 1) { throw 'Virtual machines of generation 2 have no floppy drive.' }
        [pscustomobject] @{ Path = $null }
    }
}

function Get-VMSecurity {
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM)
    foreach ($one in $VM) {
        $security = Get-Told -Fact (Get-Hardware -Id $one.Id).security
        [pscustomobject] @{ TpmEnabled = $null -ne $security.guardian; Shielded = $security.isShielded }
    }
}

# The name of the guardian in place of what a real key protector holds.
function Get-VMKeyProtector {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM)
    foreach ($one in $VM) {
        , [System.Text.Encoding]::UTF8.GetBytes("$((Get-Told -Fact (Get-Hardware -Id $one.Id).security).guardian.name)")
    }
}

function Get-VMAssignableDevice {
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM)
    foreach ($one in $VM) {
        foreach ($device in @(Get-Told -Fact (Get-Hardware -Id $one.Id).assignedDevices)) {
            if ($device.type -eq 'device') { [pscustomobject] @{ InstanceID = $device.name } }
        }
    }
}

function Get-VMGpuPartitionAdapter {
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM)
    foreach ($one in $VM) {
        foreach ($device in @(Get-Told -Fact (Get-Hardware -Id $one.Id).assignedDevices)) {
            if ($device.type -eq 'gpu-partition') { [pscustomobject] @{ InstancePath = $device.name } }
        }
    }
}

# Names as on a host that does not speak English.
function Get-VMIntegrationService {
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM)
    foreach ($one in $VM) {
        $integration = Get-Told -Fact (Get-Hardware -Id $one.Id).integration
        $id = $one.Id.ToString().ToUpperInvariant()
        [pscustomobject] @{ Name = 'Takt'; Id = "Microsoft:$id\84EAAE65-2F2E-45F5-9BB5-0E857DC8EB47"; Enabled = $integration.heartbeat }
        [pscustomobject] @{ Name = 'Herunterfahren'; Id = "Microsoft:$id\9F8233AC-BE49-4C79-8EE3-E7E1985B2077"; Enabled = $integration.shutdown }
        [pscustomobject] @{ Name = 'Zeit'; Id = "Microsoft:$id\2497F4DE-E9FA-4204-80E4-4B75C46419C0"; Enabled = $true }
    }
}

function Get-Hardware {
    param($Id)
    Invoke-StandInService -Command 'hardware' -With @{ vmId = "$Id" }
}

# A list comes as its elements.
function Get-Told {
    param($Fact)
    if (-not $Fact.known) { throw $Fact.why }
    $Fact.value
}

Export-ModuleMember -Function '*-VM*', Get-Told, Get-Hardware
