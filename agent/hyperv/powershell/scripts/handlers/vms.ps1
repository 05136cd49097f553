# Facts of VMs, in one round trip.

function Read-Vms {
    [CmdletBinding()]
    param(
        # One VM; all of the host where it is empty.
        [ValidatePattern('\A(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})?\z')][string] $VmId = ''
    )
    $found = if ($VmId -eq '') { @(Get-VM) } else { @(Find-Vm -VmId $VmId) }
    # Read after the list: a VM that is only planned, as one that is being moved here, is no system yet.
    $statuses = Read-OperationalStatuses
    $real = @($found | Where-Object { $null -ne $_ -and $statuses.ContainsKey($_.Id.ToString().ToUpperInvariant()) })
    [ordered]@{ vms = [object[]] @($real | ForEach-Object { Read-VmIfThere -Vm $_ -Statuses $statuses }) }
}

# The VM, or nothing. A look-up by id fails alike for a VM that is not there and for a service that is not; the list tells which it is.
function Find-Vm {
    param([string] $VmId)
    $id = [guid] $VmId
    $vm = Get-VM -Id $id -ErrorAction SilentlyContinue
    if ($null -eq $vm) { $vm = Get-VM | Where-Object { $_.Id -eq $id } }
    $vm
}

function Get-NeededVm {
    param([string] $VmId)
    $vm = Find-Vm -VmId $VmId
    if ($null -eq $vm) { Stop-Request -Code 'VmNotFound' -Message "No VM $VmId is registered on this host." }
    $vm
}

# A VM that was changed, or was found as it is to be.
function Read-ChangedVm {
    param([string] $VmId)
    Invoke-Afterwards { Read-Vm -Vm (Get-NeededVm -VmId $VmId) -Statuses (Read-OperationalStatuses) }
}

# What the hypervisor does with each VM now, by its id in capitals: 32770 deletes a VM checkpoint, 32772 merges disks, 32774 moves the VM.
function Read-OperationalStatuses {
    $statuses = @{}
    $systems = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_ComputerSystem -Property Name, OperationalStatus
    foreach ($system in $systems) { $statuses[$system.Name.ToUpperInvariant()] = $system.OperationalStatus }
    $statuses
}

# A VM that was moved away or removed since it was listed is left out; the others are told all the same.
function Read-VmIfThere {
    param($Vm, [hashtable] $Statuses)
    try { Read-Vm -Vm $Vm -Statuses $Statuses }
    catch { if ($null -ne (Find-Vm -VmId $Vm.Id.ToString())) { throw } }
}

function Read-Vm {
    param($Vm, [hashtable] $Statuses)
    $id = $Vm.Id.ToString()
    $folder = Join-Path -Path $Vm.ConfigurationLocation -ChildPath 'Virtual Machines'
    $state = New-Object -TypeName System.IO.FileInfo -ArgumentList (Join-Path -Path $folder -ChildPath "$id.vmrs")
    $connected = @(Get-VMNetworkAdapter -VM $Vm | Where-Object { "$($_.SwitchName)" -ne '' } | Select-Object -First 1)
    $heartbeat = $Vm.PSObject.Properties['Heartbeat']
    [ordered]@{
        id                  = $id
        name                = $Vm.Name
        state               = $Vm.State.ToString()
        generation          = [int] $Vm.Generation
        version             = "$($Vm.Version)"
        processorCount      = [int] $Vm.ProcessorCount
        memoryStartupBytes  = $Vm.MemoryStartup
        memoryAssignedBytes = $Vm.MemoryAssigned
        switchName          = if ($connected.Count -eq 0) { $null } else { $connected[0].SwitchName }
        configurationPath   = Join-Path -Path $folder -ChildPath "$id.vmcx"
        runtimeStatePath    = $state.FullName
        runtimeStateBytes   = if ($state.Exists) { $state.Length } else { 0 }
        notes               = "$($Vm.Notes)"
        heartbeat           = if ($null -eq $heartbeat) { '' } else { "$($heartbeat.Value)" }
        operationalStatus   = [object[]] @($Statuses[$id.ToUpperInvariant()] | Where-Object { $null -ne $_ })
        disks               = [object[]] @(Get-VMHardDiskDrive -VM $Vm | Where-Object { $null -eq $_.DiskNumber } | ForEach-Object { Read-Disk -Drive $_ })
        checkpoints         = [object[]] @(Get-VMSnapshot -VM $Vm | ForEach-Object { Read-Checkpoint -Snapshot $_ })
    }
}

function Read-Checkpoint {
    param($Snapshot)
    [ordered]@{
        id       = $Snapshot.Id.ToString()
        name     = $Snapshot.Name
        type     = $Snapshot.SnapshotType.ToString()
        parentId = "$($Snapshot.ParentSnapshotId)"
    }
}

# A disk whose files cannot be looked at now is told with the reason; the other facts of the VM are told all the same.
function Read-Disk {
    param($Drive)
    $slot = [ordered]@{
        controller = $Drive.ControllerType.ToString()
        number     = [int] $Drive.ControllerNumber
        location   = [int] $Drive.ControllerLocation
        path       = $Drive.Path
        images     = [object[]] @()
        error      = $null
    }
    try { $slot.images = [object[]] @(Read-Chain -Path $Drive.Path) }
    catch { $slot.error = Get-ErrorFacts -ErrorRecord $_ }
    $slot
}

# The files of a disk, base first.
function Read-Chain {
    param([string] $Path)
    $chain = @()
    for ($file = $Path; $file -ne ''; $file = "$($image.ParentPath)") {
        if ($chain.Count -ge 256) { throw "The chain of $Path has no end." }
        $image = Get-VHD -Path $file
        $told = [ordered]@{
            path             = $file
            format           = $image.VhdFormat.ToString()
            kind             = $image.VhdType.ToString()
            virtualSizeBytes = $image.Size
            fileSizeBytes    = $image.FileSize
        }
        $chain = @($told) + $chain
    }
    $chain
}
