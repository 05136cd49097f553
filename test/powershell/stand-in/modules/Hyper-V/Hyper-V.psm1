Set-StrictMode -Version 2

function Get-VMHost {
    [CmdletBinding()]
    param([Parameter(Position = 0, ParameterSetName = 'ComputerName')][string[]] $ComputerName)
    if ($ComputerName) { throw 'The stand-in is one host.' }
    $machine = Invoke-StandInService -Command 'host'
    [pscustomobject] @{ Name = $machine.name; MemoryCapacity = [uint64] $machine.memoryBytes }
}

function Get-VMSwitch {
    [CmdletBinding()]
    param([Parameter(Position = 0, ParameterSetName = 'Name')][Alias('SwitchName')][string] $Name)
    foreach ($one in (Invoke-StandInService -Command 'host').switches) {
        if (-not $Name -or $one -eq $Name) { [pscustomobject] @{ Name = $one } }
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
        CheckpointType        = $Facts.checkpointType
        Notes                 = $Facts.notes
        Heartbeat             = $Facts.heartbeat
    }
}

function Get-VMNetworkAdapter {
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM)
    foreach ($one in $VM) { [pscustomobject] @{ SwitchName = (Get-Facts -Vm $one).switchName } }
}

function Get-VMHardDiskDrive {
    [CmdletBinding()]
    param([Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM)
    foreach ($one in $VM) {
        foreach ($disk in (Get-Facts -Vm $one).disks) {
            [pscustomobject] @{
                ControllerType     = $disk.controller
                ControllerNumber   = $disk.number
                ControllerLocation = $disk.location
                Path               = $disk.path
                DiskNumber         = $null
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
    param([Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM)
    foreach ($one in $VM) {
        foreach ($taken in (Get-Facts -Vm $one).checkpoints) {
            [pscustomobject] @{
                Id               = [guid] $taken.id
                VMId             = $one.Id
                Name             = $taken.name
                SnapshotType     = 'Standard'
                ParentSnapshotId = if ($null -eq $taken.parentId) { $null } else { [guid] $taken.parentId }
            }
        }
    }
}

function Get-Facts {
    param($Vm)
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
    param([Parameter(Mandatory, Position = 0, ParameterSetName = 'VMObject')][object[]] $VM)
    foreach ($one in $VM) { [void] (Invoke-StandInService -Command 'shut-down' -With @{ vmId = "$($one.Id)" }) }
}
