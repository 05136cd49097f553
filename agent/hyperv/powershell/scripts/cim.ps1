# Calls of WMI methods of Hyper-V: settings as text, and jobs, which are waited for.

# Settings as an embedded instance, in the XML of DTD 2.0 that these methods take. What is not given, or is $null, keeps its default.
function ConvertTo-EmbeddedInstance {
    param([string] $ClassName, [hashtable] $Properties)
    $parts = foreach ($name in ($Properties.Keys | Sort-Object)) {
        $value = $Properties[$name]
        if ($null -eq $value) { continue }
        $type = switch ($value.GetType().Name) { 'Boolean' { 'boolean' } 'Byte' { 'uint8' } 'UInt16' { 'uint16' } default { 'string' } }
        $text = if ($value -is [bool]) { "$value".ToUpperInvariant() } else { [System.Security.SecurityElement]::Escape("$value") }
        "<PROPERTY NAME=`"$name`" TYPE=`"$type`"><VALUE>$text</VALUE></PROPERTY>"
    }
    "<INSTANCE CLASSNAME=`"$ClassName`">$($parts -join '')</INSTANCE>"
}

# 0: done. 4096: a job does it, which is waited for. Anything else is the error.
function Complete-CimCall {
    param($Result, [string] $What)
    if ($Result.ReturnValue -eq 0) { return }
    if ($Result.ReturnValue -ne 4096) { throw (New-CimException -Message "$What was refused." -Key 'ReturnValue' -Number $Result.ReturnValue) }
    $job = Invoke-Afterwards { Get-CimInstance -InputObject $Result.Job }
    # New, starting, running, suspended, shutting down, service.
    while (@(2, 3, 4, 5, 6, 11) -contains $job.JobState) {
        Start-Sleep -Milliseconds 500
        $job = Invoke-Afterwards { Get-CimInstance -InputObject $job }
    }
    # Completed, with or without warnings.
    if (@(7, 32768) -contains $job.JobState) { return }
    throw (New-CimException -Message "$What failed: $($job.ErrorDescription)" -Key 'JobErrorCode' -Number $job.ErrorCode)
}

function New-CimException {
    param([string] $Message, [string] $Key, [long] $Number)
    $exception = New-Object -TypeName System.InvalidOperationException -ArgumentList $Message
    $exception.Data[$Key] = $Number
    $exception
}
