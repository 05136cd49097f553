# One LUN, and the path at which its volume is mounted. Windows keeps no host from a disk that another host has: what is written on the disk
# says who may have it, and is the caller's to look at, on a disk that is mounted for reading alone.

# The LUN as this host has it, and what stands at the path where it is to be.
function Read-Lun {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[\x20-\x7e]{1,100}\z')][string] $Lun,
        [Parameter(Mandatory)][ValidateLength(1, 32767)][string] $Path
    )
    $disk = Find-Lun -Lun $Lun
    if ($null -eq $disk) { return [ordered]@{ isThere = $false } }
    Read-LunState -Disk $disk -Path $Path
}

# Makes it so that the disk is online, for reading alone or for writing too, and its volume at the path.
function Mount-Lun {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[\x20-\x7e]{1,100}\z')][string] $Lun,
        [Parameter(Mandatory)][ValidateLength(1, 32767)][string] $Path,
        [Parameter(Mandatory)][bool] $IsReadOnly
    )
    $disk = Get-NeededLun -Lun $Lun
    if ($disk.IsClustered) { Stop-Request -Code 'LunBusy' -Message "LUN $Lun belongs to a cluster." }
    if (-not $disk.IsOffline -and [bool] $disk.IsReadOnly -ne $IsReadOnly) {
        # A volume that was mounted the one way is not believed to be mounted the other.
        Set-Disk -UniqueId $disk.UniqueId -IsOffline $true
        $disk = Get-NeededLun -Lun $Lun
    }
    if ($disk.IsOffline) {
        Set-Disk -UniqueId $disk.UniqueId -IsReadOnly $IsReadOnly
        $disk = Get-NeededLun -Lun $Lun
        if ([bool] $disk.IsReadOnly -ne $IsReadOnly) { throw "Windows did not keep the read-only mark of LUN $Lun as $IsReadOnly." }
        Set-Disk -UniqueId $disk.UniqueId -IsOffline $false
        $disk = Get-NeededLun -Lun $Lun
        if ($disk.IsOffline -or [bool] $disk.IsReadOnly -ne $IsReadOnly) { throw "LUN $Lun did not come online as it was to be." }
    }
    Add-LunPath -Disk $disk -Volume (Wait-LunVolume -Disk $disk -Lun $Lun) -Path $Path
    Read-LunState -Disk (Get-NeededLun -Lun $Lun) -Path $Path
}

# Makes it so that the disk is offline, with that mark. A path that is named is taken from it before.
function Dismount-Lun {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[\x20-\x7e]{1,100}\z')][string] $Lun,
        [Parameter(Mandatory)][ValidateLength(1, 32767)][string] $Path,
        [Parameter(Mandatory)][bool] $RemovesPath,
        [Parameter(Mandatory)][bool] $IsReadOnly
    )
    $disk = Get-NeededLun -Lun $Lun
    if (-not $disk.IsOffline) {
        if ($RemovesPath) { Remove-LunPath -Disk $disk -Path $Path }
        Set-Disk -UniqueId $disk.UniqueId -IsOffline $true
        $disk = Get-NeededLun -Lun $Lun
        if (-not $disk.IsOffline) { throw "LUN $Lun did not go offline." }
    }
    if ([bool] $disk.IsReadOnly -ne $IsReadOnly) { Set-Disk -UniqueId $disk.UniqueId -IsReadOnly $IsReadOnly }
    Read-LunState -Disk (Get-NeededLun -Lun $Lun) -Path $Path
}

# Takes the registration of a VM away whose files went with its LUN. While the disk is online here, Hyper-V would delete them with it.
function Remove-AbsentVm {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)][ValidatePattern('\A[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\z')][string] $VmId,
        [Parameter(Mandatory)][ValidatePattern('\A[\x20-\x7e]{1,100}\z')][string] $Lun
    )
    $vm = Find-Vm -VmId $VmId
    if ($null -ne $vm) {
        $disk = Find-Lun -Lun $Lun
        if ($null -ne $disk -and -not $disk.IsOffline) { Stop-Request -Code 'VmStateWrong' -Message "LUN $Lun is online here: the files of VM $VmId would go with its registration." }
        $state = $vm.State.ToString()
        if (@('Off', 'Saved', 'OffCritical', 'SavedCritical', 'FastSavedCritical') -notcontains $state) { Stop-Request -Code 'VmStateWrong' -Message "VM $VmId is $state." }
        Remove-VM -VM $vm -Force
    }
    [ordered]@{ done = $true }
}

# One that is not listed may have been shown to this host since it last looked.
function Find-Lun {
    param([string] $Lun)
    $found = @(Find-SanDisks | Where-Object { "$($_.UniqueId)".Trim() -eq $Lun })
    if ($found.Count -eq 0) {
        $null = Update-HostStorageCache
        $found = @(Find-SanDisks | Where-Object { "$($_.UniqueId)".Trim() -eq $Lun })
    }
    if ($found.Count -gt 1) { Stop-Request -Code 'LunMissing' -Message "This host has $($found.Count) disks with the id $Lun, as where several paths lead to one and MPIO is not set up." }
    if ($found.Count -eq 1) { $found[0] }
}

function Get-NeededLun {
    param([string] $Lun)
    $disk = Find-Lun -Lun $Lun
    if ($null -eq $disk) { Stop-Request -Code 'LunMissing' -Message "The SAN does not show LUN $Lun to this host." }
    $disk
}

function Read-LunState {
    param($Disk, [string] $Path)
    [ordered]@{
        isThere     = $true
        isOffline   = [bool] $Disk.IsOffline
        isReadOnly  = [bool] $Disk.IsReadOnly
        isClustered = [bool] $Disk.IsClustered
        paths       = [object[]] @(Read-LunPaths -Disk $Disk)
        pathIs      = Read-PathUse -Disk $Disk -Path $Path
    }
}

# 'own': the LUN is there. 'taken': something else is. 'absent': it is no drive, and there is no such folder. 'free' otherwise.
function Read-PathUse {
    param($Disk, [string] $Path)
    $wanted = Format-Folder -Path $Path
    if (@(Read-LunPaths -Disk $Disk | Where-Object { (Format-Folder -Path $_) -eq $wanted }).Count -gt 0) { return 'own' }
    foreach ($partition in @(Get-Partition | Where-Object { $_.DiskNumber -ne $Disk.Number })) {
        if (@(Read-AccessPaths -Partition $partition | Where-Object { (Format-Folder -Path $_) -eq $wanted }).Count -gt 0) { return 'taken' }
    }
    $isThere = [System.IO.Directory]::Exists($Path)
    if (Test-DriveRoot -Path $Path) { if ($isThere) { return 'taken' } return 'free' }
    if ($isThere) { return 'free' }
    'absent'
}

function Test-DriveRoot {
    param([string] $Path)
    $Path -match '\A[A-Za-z]:\\?\z'
}

# Partitions are listed some moments after a disk comes online.
function Wait-LunVolume {
    param($Disk, [string] $Lun)
    for ($looks = 0; $looks -lt 60; $looks++) {
        $volumes = @(Find-LunVolumes -Disk $Disk)
        if ($volumes.Count -eq 1) { return $volumes[0] }
        if ($volumes.Count -gt 1) { throw "LUN $Lun has $($volumes.Count) volumes; one alone can be moved." }
        Start-Sleep -Milliseconds 500
    }
    throw "LUN $Lun is online and shows no volume."
}

function Add-LunPath {
    param($Disk, $Volume, [string] $Path)
    $wanted = Format-Folder -Path $Path
    $paths = @(Read-AccessPaths -Partition $Volume)
    if (@($paths | Where-Object { (Format-Folder -Path $_) -eq $wanted }).Count -gt 0) { return }
    # Windows may have given it another letter by itself, and it can have one alone.
    $letters = @($paths | Where-Object { (Test-DriveRoot -Path $_) -and (Test-DriveRoot -Path $Path) })
    foreach ($letter in $letters) { Remove-PartitionAccessPath -DiskNumber $Disk.Number -PartitionNumber $Volume.PartitionNumber -AccessPath $letter }
    Add-PartitionAccessPath -DiskNumber $Disk.Number -PartitionNumber $Volume.PartitionNumber -AccessPath $Path
}

function Remove-LunPath {
    param($Disk, [string] $Path)
    $wanted = Format-Folder -Path $Path
    foreach ($volume in @(Find-LunVolumes -Disk $Disk)) {
        foreach ($mounted in @(Read-AccessPaths -Partition $volume | Where-Object { (Format-Folder -Path $_) -eq $wanted })) {
            Remove-PartitionAccessPath -DiskNumber $Disk.Number -PartitionNumber $volume.PartitionNumber -AccessPath $mounted
        }
    }
}
