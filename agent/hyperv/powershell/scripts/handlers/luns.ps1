# LUNs: disks of a SAN, which other hosts may see too. Known by their unique ids, which are the same at every host.

function Read-Luns {
    foreach ($disk in @(Find-SanDisks)) {
        [ordered]@{
            id          = "$($disk.UniqueId)".Trim()
            isOffline   = [bool] $disk.IsOffline
            isReadOnly  = [bool] $disk.IsReadOnly
            isClustered = [bool] $disk.IsClustered
            volumeCount = @(Find-LunVolumes -Disk $disk).Count
            paths       = [object[]] @(Read-LunPaths -Disk $disk)
        }
    }
}

# A disk on any other bus is this host's alone.
function Find-SanDisks {
    Get-Disk | Where-Object { @('Fibre Channel', 'iSCSI', 'SAS') -contains "$($_.BusType)" -and -not $_.IsBoot -and -not $_.IsSystem }
}

# Partitions that hold files. Nothing is known of those of a disk that is offline.
function Find-LunVolumes {
    param($Disk)
    if ($Disk.IsOffline) { return }
    Get-Partition -DiskNumber $Disk.Number | Where-Object { @('Reserved', 'System', 'Recovery') -notcontains "$($_.Type)" }
}

# Where its volumes are mounted. The path of a volume itself, which is another at every host, is none of them.
function Read-LunPaths {
    param($Disk)
    if ($Disk.IsOffline) { return }
    foreach ($partition in @(Get-Partition -DiskNumber $Disk.Number)) { Read-AccessPaths -Partition $partition }
}

function Read-AccessPaths {
    param($Partition)
    foreach ($path in @($Partition.AccessPaths | Where-Object { "$_" -ne '' })) {
        if (-not "$path".StartsWith('\\?\', [StringComparison]::Ordinal)) { "$path" }
    }
}
