# What is told of an error. The agent classifies by identifiers and numbers; the message is for people, in the language of the host.

$messageCharactersMax = 2000

function Get-ErrorFacts {
    param([System.Management.Automation.ErrorRecord] $ErrorRecord)
    $exception = $ErrorRecord.Exception
    $message = "$($exception.Message)"
    $identifier = $exception.PSObject.Properties['ErrorIdentifier']
    $inner = $exception.InnerException
    [ordered]@{
        message          = $message.Substring(0, [Math]::Min($message.Length, $messageCharactersMax))
        type             = $exception.GetType().FullName
        fullyQualifiedId = "$($ErrorRecord.FullyQualifiedErrorId)"
        identifier       = if ($null -eq $identifier) { '' } else { "$($identifier.Value)" }
        category         = $ErrorRecord.CategoryInfo.Category.ToString()
        hresult          = '0x{0:X8}' -f $exception.HResult
        innerHresult     = if ($null -eq $inner) { '' } else { '0x{0:X8}' -f $inner.HResult }
        returnValue      = $exception.Data['ReturnValue']
        jobErrorCode     = $exception.Data['JobErrorCode']
        changed          = $exception.Data['Changed'] -eq $true
        codes            = [object[]] @([regex]::Matches($message, '0x[0-9A-Fa-f]{8}') | Select-Object -First 10 | ForEach-Object { $_.Value })
        at               = "$($ErrorRecord.ScriptStackTrace)".Split("`n")[0]
    }
}

# A refusal of a handler itself: its code is one of the agent's failure codes. Nothing was changed.
function Stop-Request {
    param([Parameter(Mandatory)][string] $Code, [Parameter(Mandatory)][string] $Message)
    $exception = New-Object -TypeName System.InvalidOperationException -ArgumentList $Message
    $record = New-Object -TypeName System.Management.Automation.ErrorRecord -ArgumentList $exception, "hyperferry.$Code", 'InvalidOperation', $null
    throw $record
}

# What a handler does once it has changed something, or begun to: an error of it does not say that nothing was.
function Invoke-Afterwards {
    param([Parameter(Mandatory)][scriptblock] $Do)
    try { & $Do }
    catch {
        $_.Exception.Data['Changed'] = $true
        throw
    }
}

# One of several facts: what it is, or why it cannot be told. The others are told all the same.
function Read-Fact {
    param([Parameter(Mandatory)][scriptblock] $Of)
    try { [ordered]@{ known = $true; value = (& $Of) } }
    catch { [ordered]@{ known = $false; error = (Get-ErrorFacts -ErrorRecord $_) } }
}
