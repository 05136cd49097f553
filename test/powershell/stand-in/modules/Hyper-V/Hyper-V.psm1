Set-StrictMode -Version 2
. (Join-Path -Path $PSScriptRoot -ChildPath 'Imports.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'Moves.ps1')
. (Join-Path -Path $PSScriptRoot -ChildPath 'Switches.ps1')

function Get-VMHost {
    [CmdletBinding()]
    param([Parameter(Position = 0, ParameterSetName = 'ComputerName')][string[]] $ComputerName)
    if ($ComputerName) { throw 'The stand-in is one host.' }
    $machine = Invoke-StandInService -Command 'host'
    $facts = $machine.facts
    $pool = $facts.macAddresses.value
    $migration = $facts.liveMigration.value
    [pscustomobject] @{
        Name                                      = $machine.name
        MemoryCapacity                            = [uint64] $machine.memoryBytes
        LogicalProcessorCount                     = $facts.logicalProcessors.value
        MacAddressMinimum                         = $pool.poolFirst
        MacAddressMaximum                         = $pool.poolLast
        VirtualMachineMigrationEnabled            = $migration.enabled
        MaximumVirtualMachineMigrations           = $migration.slots.max
        MaximumStorageMigrations                  = $migration.storageSlots.max
        VirtualMachineMigrationAuthenticationType = if ($facts.migrationAuthentication.value.type -eq 'kerberos') { 'Kerberos' } else { 'CredSSP' }
        UseAnyNetworkForMigration                 = @($facts.migrationNetworks.value).Count -eq 0
    }
}

function Get-VM {
    [CmdletBinding(DefaultParameterSetName = 'Name')]
    param(
        [Parameter(ParameterSetName = 'Name', Position = 0)][Alias('VMName')][string[]] $Name,
        [Parameter(ParameterSetName = 'Id', Position = 0)][guid] $Id
    )
    $all = @(Invoke-StandInService -Command 'vms' | ForEach-Object { ConvertTo-Vm -Facts $_ })
    if ($PSCmdlet.ParameterSetName -eq 'Name') {
        # As the real one: a name is a pattern.
        if (-not $Name) { return $all }
        return $all | Where-Object { $vm = $_; @($Name | Where-Object { $vm.Name -like $_ }).Count -gt 0 }
    }
    $found = $all | Where-Object { $_.Id -eq $Id }
    if ($null -ne $found) { return $found }
    $exception = [System.ArgumentException]::new("Hyper-V was unable to find a virtual machine with id $Id.")
    $PSCmdlet.WriteError([System.Management.Automation.ErrorRecord]::new($exception, 'InvalidParameter', 'InvalidArgument', $Id))
}

function ConvertTo-Vm {
    param($Facts)
    [pscustomobject] @{
        Id                    = [guid] $Facts.id
        Name                  = $Facts.name
        State                 = $Facts.state
        Generation            = $Facts.generation
        Version               = $Facts.version
        ProcessorCount        = $Facts.processorCount
        MemoryStartup         = $Facts.memoryBytes
        MemoryAssigned        = if ($Facts.state -eq 'Running') { $Facts.memoryBytes } else { 0 }
        ConfigurationLocation = $Facts.home
        SnapshotFileLocation  = $Facts.home
        SmartPagingFilePath   = $Facts.home
        CheckpointType        = $Facts.checkpointType
        Notes                 = $Facts.notes
        Heartbeat             = $Facts.heartbeat
        ReplicationState      = if ($Facts.isReplicated) { 'Replicating' } else { 'Disabled' }
        AutomaticStartAction  = @{ nothing = 'Nothing'; 'start-if-running' = 'StartIfRunning'; start = 'Start' }[$Facts.automaticStart]
        IsClustered           = $Facts.isClustered
    }
}

function Get-VMNetworkAdapter {
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM)
    foreach ($one in $VM) {
        if (Test-Planned -Vm $one) {
            $switchName = (Get-PlannedFacts -Id "$($one.Id)").switchName
            [pscustomobject] @{ VMId = $one.Id; SwitchName = $switchName; SwitchId = Get-SwitchId -Name $switchName }
            continue
        }
        $network = Get-Told -Fact (Get-Hardware -Id $one.Id).network
        [pscustomobject] @{
            VMId                     = $one.Id
            SwitchName               = $network.switchName
            SwitchId                 = Get-SwitchId -Name $network.switchName
            MacAddress               = if ($null -eq $network.macAddress) { '000000000000' } else { $network.macAddress }
            DynamicMacAddressEnabled = $network.isMacDynamic
        }
    }
}

function Get-VMHardDiskDrive {
    [CmdletBinding(DefaultParameterSetName = 'VMObject')]
    param(
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM,
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'VMSnapshot')][Alias('VMCheckpoint')][object] $VMSnapshot
    )
    if ($PSCmdlet.ParameterSetName -eq 'VMSnapshot') {
        foreach ($path in $VMSnapshot.FrozenPaths) { [pscustomobject] @{ Path = $path; DiskNumber = $null } }
        return
    }
    foreach ($one in $VM) {
        $all = if (Test-Planned -Vm $one) { @() } else { @(Get-Told -Fact (Get-Hardware -Id $one.Id).disks) }
        foreach ($disk in (Get-Facts -Vm $one).disks) {
            $id = "$($disk.controller.ToLowerInvariant())-$($disk.number)-$($disk.location)"
            [pscustomobject] @{
                Id                            = "Microsoft:$($one.Id.ToString().ToUpperInvariant())\$($disk.controller.ToUpperInvariant())-CONTROLLER\$($disk.number)\$($disk.location)\D"
                VMId                          = $one.Id
                ControllerType                = $disk.controller
                ControllerNumber              = $disk.number
                ControllerLocation            = $disk.location
                Path                          = $disk.path
                DiskNumber                    = $null
                SupportPersistentReservations = @($all | Where-Object { $_.diskId -eq $id -and $_.isShared }).Count -gt 0
            }
        }
        foreach ($disk in @($all | Where-Object { $_.attachment -eq 'pass-through' })) {
            $controller, $number, $location = $disk.diskId -split '-'
            [pscustomobject] @{
                ControllerType                = $controller.ToUpperInvariant()
                ControllerNumber              = [int] $number
                ControllerLocation            = [int] $location
                Path                          = $disk.path
                DiskNumber                    = 7
                SupportPersistentReservations = $false
            }
        }
    }
}

function Get-VHD {
    [CmdletBinding(DefaultParameterSetName = 'Path')]
    param([Parameter(Mandatory, Position = 0, ParameterSetName = 'Path')][Alias('FullName')][string[]] $Path)
    foreach ($one in $Path) { Invoke-StandInService -Command 'image' -With @{ path = $one } }
}

function Get-VMSnapshot {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM,
        [Parameter(ParameterSetName = 'VMObject')][ValidateSet('Standard', 'Recovery', 'Planned', 'Missing', 'Replica', 'AppConsistentReplica', 'SyncedReplica')][string] $SnapshotType
    )
    foreach ($one in $VM) {
        foreach ($taken in (Get-Facts -Vm $one).checkpoints) {
            if ($SnapshotType -and $taken.type -ne $SnapshotType) { continue }
            [pscustomobject] @{
                Id               = [guid] $taken.id
                VMId             = $one.Id
                Name             = $taken.name
                SnapshotType     = $taken.type
                State            = $taken.state
                FrozenPaths      = @($taken.paths)
                ParentSnapshotId = if ($null -eq $taken.parentId) { $null } else { [guid] $taken.parentId }
            }
        }
    }
}

function Rename-VMSnapshot {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'SnapshotObject')][Alias('VMCheckpoint')][object] $VMSnapshot,
        [Parameter(Mandatory, Position = 2, ParameterSetName = 'SnapshotObject')][string] $NewName
    )
    [void] (Invoke-StandInService -Command 'rename-checkpoint' -With @{ vmId = "$($VMSnapshot.VMId)"; id = "$($VMSnapshot.Id)"; name = $NewName })
}

function Get-Facts {
    param($Vm)
    if (Test-Planned -Vm $Vm) { return Get-PlannedFacts -Id $Vm.Id.ToString() }
    Invoke-StandInService -Command 'vms' | Where-Object { $_.id -eq $Vm.Id.ToString() }
}

function Set-VM {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM,
        [Parameter(ParameterSetName = 'VMObject')][string] $Notes
    )
    foreach ($one in $VM) { [void] (Invoke-StandInService -Command 'set-notes' -With @{ vmId = "$($one.Id)"; notes = $Notes }) }
}

function Checkpoint-VM {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM,
        [Parameter(Position = 1, ParameterSetName = 'VMObject')][Alias('CheckpointName')][string] $SnapshotName
    )
    foreach ($one in $VM) { [void] (Invoke-StandInService -Command 'take-checkpoint' -With @{ vmId = "$($one.Id)"; name = $SnapshotName }) }
}

function Remove-VMSnapshot {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Mandatory, Position = 0, ParameterSetName = 'SnapshotObject')][Alias('VMCheckpoint')][object[]] $VMSnapshot)
    foreach ($one in $VMSnapshot) { [void] (Invoke-StandInService -Command 'remove-checkpoint' -With @{ vmId = "$($one.VMId)"; id = "$($one.Id)" }) }
}

function Save-VM {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM)
    foreach ($one in $VM) { [void] (Invoke-StandInService -Command 'save' -With @{ vmId = "$($one.Id)" }) }
}

function Start-VM {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM)
    foreach ($one in $VM) { [void] (Invoke-StandInService -Command 'start' -With @{ vmId = "$($one.Id)" }) }
}

function Stop-VM {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM,
        [switch] $TurnOff,
        [switch] $Force
    )
    if ($TurnOff -and -not $Force) { throw 'The real one would ask.' }
    foreach ($one in $VM) { [void] (Invoke-StandInService -Command 'shut-down' -With @{ vmId = "$($one.Id)" }) }
}

function New-VM {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'No VHD')]
    param(
        [Parameter(Position = 0)][string] $Name,
        [Parameter(Position = 1)][long] $MemoryStartupBytes,
        [Parameter(Position = 2)][ValidateSet(1, 2)][int16] $Generation,
        [string] $SwitchName,
        [string] $Path,
        [Parameter(Mandatory, ParameterSetName = 'Existing VHD')][string] $VHDPath,
        [Parameter(Mandatory, ParameterSetName = 'New VHD')][string] $NewVHDPath,
        [Parameter(Mandatory, ParameterSetName = 'New VHD')][uint64] $NewVHDSizeBytes
    )
    if (-not $VHDPath) { throw 'The stand-in makes VMs of disks that are there.' }
    $settings = @{ name = $Name; folder = $Path; diskPath = $VHDPath; generation = $Generation; memoryBytes = $MemoryStartupBytes }
    $settings.switchName = if ($SwitchName) { $SwitchName } else { $null }
    $id = Invoke-StandInService -Command 'create' -With $settings
    Get-VM -Id $id
}

function Set-VMFirmware {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM,
        [ValidateSet('On', 'Off')][string] $EnableSecureBoot
    )
    # No guest of the stand-in is signed, so nothing changes for it.
    foreach ($one in $VM) { if ($one.Generation -ne 2) { throw 'Only a VM of generation 2 has such firmware.' } }
}

function Remove-VM {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'Name')]
    param(
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'Name')][Alias('VMName')][string[]] $Name,
        [Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM,
        [Parameter(ParameterSetName = 'Name')][Parameter(ParameterSetName = 'VMObject')][switch] $Force
    )
    if ($Name) { throw 'The stand-in removes VMs by object alone.' }
    if (-not $Force) { throw 'The real one would ask.' }
    foreach ($one in $VM) { [void] (Invoke-StandInService -Command 'remove' -With @{ vmId = "$($one.Id)" }) }
}
