# Importing a VM from files that are where they are to be. Hyper-V plans it first; what does not fit this host is changed in the plan.

# Under its own id, where the files are.
function Compare-Placeholder {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][ValidateLength(6, 32767)][ValidatePattern('\.vmcx\z')][string] $Path,
        [Parameter(Mandatory)][AllowEmptyString()][ValidateLength(0, 256)][string] $SwitchName,
        [Parameter(Mandatory)][bool] $Disconnects,
        [Parameter(Mandatory)][bool] $KeepsMemory,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidatePattern('\A(?:scsi|ide)-[0-9]{1,2}-[0-9]{1,2}\z')][string[]] $DiskIds,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidateLength(1, 32767)][string[]] $DiskPaths
    )
    Remove-PlannedVm -VmId $VmId
    $edits = @{ SwitchName = $SwitchName; Disconnects = $Disconnects; KeepsMemory = $KeepsMemory; DiskIds = $DiskIds; DiskPaths = $DiskPaths }
    Read-Comparison -Report (Compare-VM -Path $Path -Register) -Edits $edits
}

# Under an id that Hyper-V draws: it stands in no other's way. The folder says whose it is, also where this worker ends in the middle.
function Compare-Copy {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidateLength(1, 32767)][string] $Folder,
        [Parameter(Mandatory)][ValidateLength(6, 32767)][ValidatePattern('\.vmcx\z')][string] $Path,
        [Parameter(Mandatory)][AllowEmptyString()][ValidateLength(0, 256)][string] $SwitchName,
        [Parameter(Mandatory)][bool] $Disconnects,
        [Parameter(Mandatory)][bool] $KeepsMemory,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidatePattern('\A(?:scsi|ide)-[0-9]{1,2}-[0-9]{1,2}\z')][string[]] $DiskIds,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidateLength(1, 32767)][string[]] $DiskPaths
    )
    $null = Remove-PlannedBelow -Folder $Folder
    $edits = @{ SwitchName = $SwitchName; Disconnects = $Disconnects; KeepsMemory = $KeepsMemory; DiskIds = $DiskIds; DiskPaths = $DiskPaths }
    Read-Comparison -Report (New-CopyReport -Path $Path -Folder $Folder) -Edits $edits
}

# Registers the VM of a folder. A plan that was cut short goes first; one that is registered from the folder already gets its name at most.
function Import-Placeholder {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        # That of the VM: above `Virtual Machines`.
        [Parameter(Mandatory)][ValidateLength(1, 32767)][string] $Folder,
        # Under an id that Hyper-V draws.
        [Parameter(Mandatory)][bool] $HasNewId,
        [Parameter(Mandatory)][AllowEmptyString()][ValidateLength(0, 100)][string] $NewName,
        [Parameter(Mandatory)][ValidateLength(6, 32767)][ValidatePattern('\.vmcx\z')][string] $Path,
        [Parameter(Mandatory)][AllowEmptyString()][ValidateLength(0, 256)][string] $SwitchName,
        [Parameter(Mandatory)][bool] $Disconnects,
        [Parameter(Mandatory)][bool] $KeepsMemory,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidatePattern('\A(?:scsi|ide)-[0-9]{1,2}-[0-9]{1,2}\z')][string[]] $DiskIds,
        [Parameter(Mandatory)][AllowEmptyCollection()][ValidateLength(1, 32767)][string[]] $DiskPaths
    )
    $edits = @{ SwitchName = $SwitchName; Disconnects = $Disconnects; KeepsMemory = $KeepsMemory; DiskIds = $DiskIds; DiskPaths = $DiskPaths }
    $found = @()
    $vm = Find-VmIn -Folder $Folder
    if ($null -eq $vm -and $HasNewId) {
        $null = Remove-PlannedBelow -Folder $Folder
        $found = @(Register-Planned -Report (New-CopyReport -Path $Path -Folder $Folder) -Edits $edits -HasNewId)
        $vm = Invoke-Afterwards { Find-VmIn -Folder $Folder }
    }
    elseif ($null -eq $vm) {
        if ($null -ne (Find-Vm -VmId $VmId)) { Stop-Request -Code 'DestinationOccupied' -Message "A VM $VmId is registered on this host." }
        Remove-PlannedVm -VmId $VmId
        $found = @(Register-Planned -Report (Compare-VM -Path $Path -Register) -Edits $edits)
        $vm = Invoke-Afterwards { Find-Vm -VmId $VmId }
    }
    if ($found.Count -gt 0) { return [ordered]@{ incompatibilities = [object[]] $found; vm = $null } }
    if ($null -eq $vm) { throw "Hyper-V imported VM $VmId, but does not list it." }
    if ($NewName -ne '' -and -not [string]::Equals($vm.Name, $NewName, [StringComparison]::Ordinal)) {
        Invoke-Afterwards { Rename-VM -VM $vm -NewName $NewName }
    }
    [ordered]@{ incompatibilities = [object[]] @(); vm = Read-ChangedVm -VmId $vm.Id.ToString() }
}

# The planned VM becomes a VM, if nothing stands against it; answers what does. -Register is carried out by Import-VM; of a copy that would copy
# the disks, which are where they are to be: it is made real as it is planned.
function Register-Planned {
    param($Report, [hashtable] $Edits, [switch] $HasNewId)
    $id = $Report.VM.Id.ToString()
    $isImported = $false
    try {
        $fitted = Edit-ImportReport -Report $Report @Edits
        $found = @(Read-Incompatibilities -Report $fitted)
        if ($found.Count -eq 0) {
            if ($HasNewId) { Complete-Plan -VmId $id } else { $null = Import-VM -CompatibilityReport $fitted }
            $isImported = $true
        }
        $found
    }
    finally { if (-not $isImported) { Remove-PlannedVm -VmId $id } }
}

function Complete-Plan {
    param([string] $VmId)
    $planned = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_PlannedComputerSystem | Where-Object { $_.Name -eq $VmId }
    $service = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_VirtualSystemManagementService
    $checked = Invoke-CimMethod -InputObject $service -MethodName ValidatePlannedSystem -Arguments @{ PlannedSystem = $planned }
    Complete-CimCall -Result $checked -What "Checking the planned VM $VmId"
    $made = Invoke-CimMethod -InputObject $service -MethodName RealizePlannedSystem -Arguments @{ PlannedSystem = $planned }
    Complete-CimCall -Result $made -What "Registering the planned VM $VmId"
}

# All its files are said to be in the folder, so that a plan is known by it.
function New-CopyReport {
    param([string] $Path, [string] $Folder)
    Compare-VM -Path $Path -Copy -GenerateNewId -VirtualMachinePath $Folder -SnapshotFilePath $Folder -SmartPagingFilePath $Folder
}

# What a comparison tells; nothing stays planned.
function Read-Comparison {
    param($Report, [hashtable] $Edits)
    try {
        $planned = Read-Planned -Report $Report
        $fitted = Edit-ImportReport -Report $Report @Edits
        [ordered]@{
            state             = $fitted.VM.State.ToString()
            incompatibilities = [object[]] @(Read-Incompatibilities -Report $fitted)
            planned           = $planned
        }
    }
    finally { Remove-PlannedVm -VmId $Report.VM.Id.ToString() }
}

# A VM as its configuration has it.
function Read-Planned {
    param($Report)
    $vm = $Report.VM
    $connected = @(Get-VMNetworkAdapter -VM $vm | Where-Object { "$($_.SwitchName)" -ne '' } | ForEach-Object { "$($_.SwitchName)" })
    [ordered]@{
        name               = "$($vm.Name)"
        generation         = [int] $vm.Generation
        version            = "$($vm.Version)"
        processorCount     = [int] $vm.ProcessorCount
        memoryStartupBytes = $vm.MemoryStartup
        state              = $vm.State.ToString()
        switches           = [object[]] $connected
        disks              = [object[]] @(Get-VMHardDiskDrive -VM $vm | Where-Object { $null -eq $_.DiskNumber } | ForEach-Object { Read-Slot -Drive $_ })
        incompatibilities  = [object[]] @(Read-Incompatibilities -Report $Report)
    }
}

# Disks, switch and saved memory of the planned VM as they are to be, and the comparison anew. 33012: the switch is missing.
function Edit-ImportReport {
    param($Report, [string] $SwitchName, [bool] $Disconnects, [bool] $KeepsMemory, [string[]] $DiskIds, [string[]] $DiskPaths)
    foreach ($drive in @(Get-VMHardDiskDrive -VM $Report.VM)) {
        $slot = "$($drive.ControllerType.ToString().ToLowerInvariant())-$($drive.ControllerNumber)-$($drive.ControllerLocation)"
        $at = [Array]::IndexOf($DiskIds, $slot)
        if ($at -ge 0 -and "$($drive.Path)" -ne $DiskPaths[$at]) { Set-VMHardDiskDrive -VMHardDiskDrive $drive -Path $DiskPaths[$at] }
    }
    $lost = @($Report.Incompatibilities | Where-Object { $null -ne $_ -and $_.MessageId -eq 33012 } | ForEach-Object { $_.Source })
    if ($SwitchName -ne '') {
        $connected = @(Get-VMNetworkAdapter -VM $Report.VM | Where-Object { "$($_.SwitchName)" -ne '' -and "$($_.SwitchName)" -ne $SwitchName })
        foreach ($adapter in $lost + $connected) { Connect-VMNetworkAdapter -VMNetworkAdapter $adapter -SwitchName $SwitchName }
    }
    elseif ($Disconnects) { foreach ($adapter in $lost) { Disconnect-VMNetworkAdapter -VMNetworkAdapter $adapter } }
    if (-not $KeepsMemory -and $Report.VM.State.ToString() -eq 'Saved') { Remove-VMSavedState -VM $Report.VM }
    Compare-VM -CompatibilityReport $Report
}

function Read-Incompatibilities {
    param($Report)
    foreach ($one in @($Report.Incompatibilities | Where-Object { $null -ne $_ })) {
        [ordered]@{
            id      = [long] $one.MessageId
            message = "$($one.Message)"
            source  = if ($null -eq $one.Source) { '' } else { $one.Source.GetType().Name }
        }
    }
}
