# What a VM asks of a processor, and what the processor of this host is. Numbers that are compared, whose meaning only Hyper-V knows.

function Read-ProcessorFacts {
    [CmdletBinding()]
    param(
        # The VM that asks; the host itself where it is empty.
        [ValidatePattern('\A(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})?\z')][string] $VmId = ''
    )
    [ordered]@{
        maker   = "$(@(Get-CimInstance -ClassName Win32_Processor -Property Manufacturer)[0].Manufacturer)"
        vectors = Read-Fact { , [object[]] @(Read-ProcessorVectors -VmId $VmId) }
    }
}

# Of Windows Server 2012 R2 and later. 64 bits each, which JSON would round.
function Read-ProcessorVectors {
    param([string] $VmId)
    $systems = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_ComputerSystem
    # The host is the one that is not named by a GUID.
    $guid = '\A[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\z'
    $asked = @($systems | Where-Object { if ($VmId -eq '') { $_.Name -notmatch $guid } else { $_.Name -eq $VmId } })
    if ($asked.Count -ne 1) { throw "Hyper-V tells of $($asked.Count) systems where one was asked for." }
    $service = Get-CimInstance -Namespace 'root\virtualization\v2' -ClassName Msvm_VirtualSystemMigrationService
    $result = Invoke-CimMethod -InputObject $service -MethodName GetSystemCompatibilityVectors -Arguments @{ ComputerSystem = $asked[0] }
    if ($result.ReturnValue -ne 0) { throw (New-CimException -Message 'The processor was not told.' -Key 'ReturnValue' -Number $result.ReturnValue) }
    foreach ($vector in @($result.CompatibilityVectors | Where-Object { $null -ne $_ })) {
        [ordered]@{
            id        = [long] $vector.VectorId
            operation = [long] $vector.CompareOperation
            value     = "$($vector.CompatibilityInfo)"
        }
    }
}
