# What a VM is before a move, beyond what read-vms tells, in one round trip: each fact by itself, so that one that cannot be read hides no other.

function Read-VmInspection {
    [CmdletBinding()]
    param([Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId)
    $vm = Get-NeededVm -VmId $VmId
    [ordered]@{
        isReplicated      = Read-Fact { $vm.ReplicationState.ToString() -ne 'Disabled' }
        automaticStart    = Read-Fact { $vm.AutomaticStartAction.ToString() }
        checkpoints       = Read-Fact { , [object[]] @(Get-VMSnapshot -VM $vm | ForEach-Object { Read-CheckpointFiles -Snapshot $_ }) }
        folders           = Read-Fact { , [object[]] @($vm.SnapshotFileLocation, $vm.SmartPagingFilePath | Where-Object { "$_" -ne '' } | ForEach-Object { "$_" }) }
        passThroughDisks  = Read-Fact { , [object[]] @(Get-VMHardDiskDrive -VM $vm | Where-Object { $null -ne $_.DiskNumber } | ForEach-Object { Read-Slot -Drive $_ }) }
        sharedDisks       = Read-Fact { , [object[]] @(Get-VMHardDiskDrive -VM $vm | Where-Object { $_.SupportPersistentReservations } | ForEach-Object { Read-Slot -Drive $_ }) }
        sectors           = Read-Fact { , [object[]] @(Read-Sectors -Vm $vm) }
        media             = Read-Fact { , [object[]] @(Read-Media -Vm $vm) }
        network           = Read-Fact { Read-FirstAdapter -Vm $vm }
        processor         = Read-Fact { Read-ProcessorFacts -VmId $VmId }
        compatibilityMode = Read-Fact { [bool] (Get-VMProcessor -VM $vm).CompatibilityForMigrationEnabled }
        runsNestedVms     = Read-Fact { [bool] (Get-VMProcessor -VM $vm).ExposeVirtualizationExtensions }
        security          = Read-Fact { Read-Security -Vm $vm }
        assignedDevices   = Read-Fact { , [object[]] @(Read-AssignedDevices -Vm $vm) }
        role              = Read-Fact { Read-Role -Vm $vm }
        roleResources     = Read-Fact { , [object[]] @(if ($vm.IsClustered) { Read-OtherResources -Group (Get-ClusterGroup -VMId $vm.Id) }) }
        integration       = Read-Fact { Read-Integration -Vm $vm }
    }
}

function Read-Slot {
    param($Drive)
    [ordered]@{
        controller = $Drive.ControllerType.ToString()
        number     = [int] $Drive.ControllerNumber
        location   = [int] $Drive.ControllerLocation
        path       = "$($Drive.Path)"
    }
}

function Read-CheckpointFiles {
    param($Snapshot)
    [ordered]@{
        id    = $Snapshot.Id.ToString()
        name  = $Snapshot.Name
        # Off: it has the disks alone.
        state = $Snapshot.State.ToString()
        paths = [object[]] @(Get-VMHardDiskDrive -VMSnapshot $Snapshot | Where-Object { $null -eq $_.DiskNumber } | ForEach-Object { "$($_.Path)" })
    }
}

function Read-Sectors {
    param($Vm)
    foreach ($drive in @(Get-VMHardDiskDrive -VM $Vm | Where-Object { $null -eq $_.DiskNumber })) {
        [ordered]@{ path = $drive.Path; physicalSectorBytes = [int] (Get-VHD -Path $drive.Path).PhysicalSectorSize }
    }
}

function Read-Media {
    param($Vm)
    foreach ($drive in @(Get-VMDvdDrive -VM $Vm | Where-Object { "$($_.Path)" -ne '' })) {
        [ordered]@{ drive = "dvd-$($drive.ControllerNumber)-$($drive.ControllerLocation)"; path = $drive.Path }
    }
    # VMs of generation 2 have no floppy drive, and the question is an error for them.
    if ($Vm.Generation -ne 1) { return }
    foreach ($drive in @(Get-VMFloppyDiskDrive -VM $Vm | Where-Object { "$($_.Path)" -ne '' })) {
        [ordered]@{ drive = 'floppy'; path = $drive.Path }
    }
}

# The adapter that read-vms takes too: the first that is connected, else the first.
function Read-FirstAdapter {
    param($Vm)
    $adapters = @(Get-VMNetworkAdapter -VM $Vm)
    if ($adapters.Count -eq 0) { return $null }
    $connected = @($adapters | Where-Object { "$($_.SwitchName)" -ne '' })
    $adapter = if ($connected.Count -eq 0) { $adapters[0] } else { $connected[0] }
    $vlan = Get-VMNetworkAdapterVlan -VMNetworkAdapter $adapter
    [ordered]@{
        vlanMode     = $vlan.OperationMode.ToString()
        vlanId       = [int] $vlan.AccessVlanId
        macAddress   = "$($adapter.MacAddress)"
        isMacDynamic = [bool] $adapter.DynamicMacAddressEnabled
    }
}

# Without a virtual TPM no guardian is needed, whatever key protector there is.
function Read-Security {
    param($Vm)
    $security = Get-VMSecurity -VM $Vm
    $guardian = $null
    if ($security.TpmEnabled) {
        $protector = ConvertTo-HgsKeyProtector -Bytes (Get-VMKeyProtector -VM $Vm)
        $guardian = Read-GuardianKey -Guardian $protector.Owner
    }
    [ordered]@{ guardian = $guardian; isShielded = [bool] $security.Shielded }
}

function Read-AssignedDevices {
    param($Vm)
    foreach ($device in @(Get-VMAssignableDevice -VM $Vm | Where-Object { $null -ne $_ })) {
        [ordered]@{ type = 'device'; name = "$($device.InstanceID)" }
    }
    foreach ($adapter in @(Get-VMGpuPartitionAdapter -VM $Vm | Where-Object { $null -ne $_ })) {
        [ordered]@{ type = 'gpu-partition'; name = "$($adapter.InstancePath)" }
    }
}

function Read-Role {
    param($Vm)
    if (-not $Vm.IsClustered) { return $null }
    $group = Get-ClusterGroup -VMId $Vm.Id
    [ordered]@{ clusterName = "$((Get-Cluster).Name)"; owner = "$($group.OwnerNode)" }
}

# By their ids: the names of integration services are translated.
function Read-Integration {
    param($Vm)
    $enabled = @(Get-VMIntegrationService -VM $Vm | Where-Object { $_.Enabled } | ForEach-Object { "$($_.Id)" })
    [ordered]@{
        heartbeat = @($enabled | Where-Object { $_ -like '*84EAAE65-2F2E-45F5-9BB5-0E857DC8EB47' }).Count -gt 0
        shutdown  = @($enabled | Where-Object { $_ -like '*9F8233AC-BE49-4C79-8EE3-E7E1985B2077' }).Count -gt 0
    }
}
