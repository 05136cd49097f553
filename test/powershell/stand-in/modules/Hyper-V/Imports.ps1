# Planning and importing VMs; of the module Hyper-V.

function Compare-VM {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'NameSingleDestination')]
    param(
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'NameSingleDestination')][string] $Name,
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'VMSingleDestination')][object] $VM,
        [Parameter(Mandatory, Position = 1, ParameterSetName = 'NameSingleDestination')]
        [Parameter(Mandatory, Position = 1, ParameterSetName = 'VMSingleDestination')][string] $DestinationHost,
        [Parameter(ParameterSetName = 'NameSingleDestination')]
        [Parameter(ParameterSetName = 'VMSingleDestination')][switch] $IncludeStorage,
        [Parameter(ParameterSetName = 'NameSingleDestination')]
        [Parameter(ParameterSetName = 'VMSingleDestination')][string] $DestinationStoragePath,
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'Register')]
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'Copy')][string] $Path,
        [Parameter(ParameterSetName = 'Register')][switch] $Register,
        [Parameter(Mandatory, ParameterSetName = 'Copy')][switch] $Copy,
        [Parameter(ParameterSetName = 'Copy')][switch] $GenerateNewId,
        [Parameter(ParameterSetName = 'Copy')][string] $VirtualMachinePath,
        [Parameter(ParameterSetName = 'Copy')][Alias('CheckpointFileLocation', 'SnapshotFileLocation')][string] $SnapshotFilePath,
        [Parameter(ParameterSetName = 'Copy')][string] $SmartPagingFilePath,
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'CompatibilityReport')][object] $CompatibilityReport
    )
    if ($Name) { throw 'The stand-in compares moves by object alone.' }
    if ($null -ne $VM -and -not ($IncludeStorage -and $DestinationStoragePath)) { throw 'The stand-in compares moves with all files alone.' }
    if ($Copy -and -not ($VirtualMachinePath -and $SnapshotFilePath -eq $VirtualMachinePath -and $SmartPagingFilePath -eq $VirtualMachinePath)) {
        throw 'The stand-in compares copies with all their files in one folder alone.'
    }
    $id = if ($null -ne $VM) {
        Invoke-StandInService -Command 'plan-move' -With @{ vmId = "$($VM.Id)"; destinationHost = $DestinationHost; folder = $DestinationStoragePath }
    }
    elseif ($null -ne $CompatibilityReport) { $CompatibilityReport.VM.Id.ToString() }
    else { Invoke-StandInService -Command 'plan' -With @{ path = $Path; hasNewId = [bool] $GenerateNewId; root = if ($Copy) { $VirtualMachinePath } else { $null } } }
    $facts = Get-PlannedFacts -Id $id
    $planned = [pscustomobject] @{
        Id             = [guid] $id
        Name           = $facts.name
        State          = $facts.state
        Generation     = $facts.generation
        Version        = $facts.version
        ProcessorCount = $facts.processorCount
        MemoryStartup  = $facts.memoryBytes
        Planned        = $true
    }
    $found = foreach ($one in Invoke-StandInService -Command 'incompatibilities' -With @{ vmId = $id }) {
        $source = [pscustomobject] @{ VMId = $planned.Id; Type = $one.type; DiskId = $one.diskId }
        [pscustomobject] @{ MessageId = $one.id; Message = $one.message; Source = $source }
    }
    # The real one has $null for none.
    $all = @($found | Where-Object { $null -ne $_ })
    $isCopy = if ($null -ne $CompatibilityReport) { $CompatibilityReport.IsCopy } else { [bool] $Copy }
    [pscustomobject] @{ VM = $planned; IsCopy = $isCopy; Incompatibilities = if ($all.Count -eq 0) { $null } else { $all } }
}

function Import-VM {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'Register')]
    param(
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'Register')][string] $Path,
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'CompatibilityReport')][object] $CompatibilityReport
    )
    if ($Path) { throw 'The stand-in imports from a report alone.' }
    if ($CompatibilityReport.IsCopy) { throw 'The real one would copy the disks.' }
    [void] (Invoke-StandInService -Command 'realize' -With @{ vmId = $CompatibilityReport.VM.Id.ToString() })
    $CompatibilityReport.VM
}

function Set-VMHardDiskDrive {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'Object')][object[]] $VMHardDiskDrive,
        [Parameter(Position = 4, ParameterSetName = 'Object')][string] $Path
    )
    foreach ($one in $VMHardDiskDrive) {
        $slot = "$($one.ControllerType.ToLowerInvariant())-$($one.ControllerNumber)-$($one.ControllerLocation)"
        [void] (Invoke-StandInService -Command 'set-planned-disk' -With @{ vmId = "$($one.VMId)"; diskId = $slot; path = $Path })
    }
}

function Connect-VMNetworkAdapter {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'Object_SwitchName')][object[]] $VMNetworkAdapter,
        [Parameter(Mandatory, Position = 1, ParameterSetName = 'Object_SwitchName')][string] $SwitchName
    )
    foreach ($one in $VMNetworkAdapter) {
        [void] (Invoke-StandInService -Command 'set-planned-switch' -With @{ vmId = "$($one.VMId)"; switchName = $SwitchName })
    }
}

function Disconnect-VMNetworkAdapter {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Mandatory, Position = 0, ParameterSetName = 'Obj')][object[]] $VMNetworkAdapter)
    foreach ($one in $VMNetworkAdapter) {
        [void] (Invoke-StandInService -Command 'set-planned-switch' -With @{ vmId = "$($one.VMId)"; switchName = $null })
    }
}

function Remove-VMSavedState {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM)
    foreach ($one in $VM) {
        if (-not (Test-Planned -Vm $one)) { throw 'The stand-in removes the memory of planned VMs alone.' }
        [void] (Invoke-StandInService -Command 'drop-planned-memory' -With @{ vmId = "$($one.Id)" })
        $one.State = 'Off'
    }
}

function Rename-VM {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM,
        [Parameter(Mandatory, Position = 1, ParameterSetName = 'VMObject')][string] $NewName
    )
    foreach ($one in $VM) { [void] (Invoke-StandInService -Command 'rename' -With @{ vmId = "$($one.Id)"; name = $NewName }) }
}

function Test-Planned {
    param($Vm)
    $null -ne $Vm.PSObject.Properties['Planned']
}

# A planned VM in the words of one that is registered.
function Get-PlannedFacts {
    param([string] $Id)
    $found = Invoke-StandInService -Command 'planned' | Where-Object { $_.id -eq $Id }
    if ($null -eq $found) { throw "There is no planned VM $Id." }
    $disks = foreach ($disk in $found.disks) {
        $controller, $number, $location = $disk.diskId.Split('-')
        [pscustomobject] @{ controller = $controller.ToUpperInvariant(); number = [int] $number; location = [int] $location; path = $disk.path }
    }
    [pscustomobject] @{
        id             = $found.id
        name           = $found.name
        state          = $found.state
        generation     = $found.generation
        version        = $found.version
        processorCount = $found.processorCount
        memoryBytes    = $found.memoryBytes
        switchName     = $found.switchName
        disks          = @($disks)
    }
}
